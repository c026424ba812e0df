import { type Backend, checkArithmetic, importTensorFlow, setBackend, unavailable } from './backend.ts';

/** What this file needs of npm's `webgpu` (Dawn) and of the WebGPU API. */
type Dawn = { create(options: string[]): unknown; globals: object };
type Gpu = { requestAdapter(options: object): Promise<GpuAdapter | null> };
type GpuAdapter = {
  info: { vendor: string; architecture: string; device: string; description: string; isFallbackAdapter?: boolean };
};

let started: Promise<GpuAdapter> | undefined;

/**
 * WebGPU on any Vulkan, Metal or Direct3D driver, through the optional npm package `webgpu`. A software adapter counts as
 * a CPU, and its name says what it is.
 * @throws SimiliError ENGINE_UNAVAILABLE with the reason.
 */
export async function loadWebgpuBackend(): Promise<Backend> {
  const adapter = await startDawn();
  const tf = await importTensorFlow();
  try {
    await import('@tensorflow/tfjs-backend-webgpu');
    await setBackend(tf, 'webgpu');
  } catch (error) {
    throw unavailable(`WebGPU does not start: ${error instanceof Error ? error.message : error}`);
  }
  const { title, software } = describeAdapter(adapter);
  const backend = { tf, onGpu: !software, device: `webgpu: ${title}`, use: () => setBackend(tf, 'webgpu') };
  await checkArithmetic(backend);
  return backend;
}

/** @returns its name, with "(software)" behind it where it computes on the CPU. */
export function describeAdapter({ info }: GpuAdapter): { title: string; software: boolean } {
  const name = info.description || info.device || info.vendor || 'unnamed adapter';
  const software = info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|software/i.test(name);
  return { title: software ? `${name} (software)` : name, software };
}

/** Before the backend is imported: it looks for `navigator.gpu` then. Once in a process. */
function startDawn(): Promise<GpuAdapter> {
  started ??= findAdapter();
  return started;
}

async function findAdapter(): Promise<GpuAdapter> {
  const { create, globals } = await importDawn();
  Object.assign(globalThis, globals);
  const gpu = create([]) as Gpu;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw unavailable('WebGPU finds no adapter: no Vulkan, Metal or Direct3D driver');
  Object.defineProperty(globalThis.navigator ?? makeNavigator(), 'gpu', { value: gpu, configurable: true });
  return adapter;
}

/** Node 20 has no navigator. */
function makeNavigator(): object {
  const navigator = {};
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  return navigator;
}

async function importDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu')) as unknown as Dawn;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : error;
    throw unavailable(`the npm package webgpu is not installed or does not load: ${why}`);
  }
}
