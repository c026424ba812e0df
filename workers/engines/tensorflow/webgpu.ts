import { type AdapterInfo, describeAdapter } from '../adapter-info.ts';
import { type Backend, checkArithmetic, importTensorFlow, setBackend, unavailable } from './backend.ts';

/** The used part of npm's `webgpu` (Dawn) and of the WebGPU API. */
type Dawn = { create(options: string[]): unknown; globals: object };
type Gpu = { requestAdapter(options: object): Promise<GpuAdapter | null> };
type GpuAdapter = { readonly info: AdapterInfo };

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
    tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', PACKED);
    firstOfEqualsInPools(tf.backend() as unknown as ShaderBackend);
  } catch (error) {
    throw unavailable(`WebGPU does not start: ${error instanceof Error ? error.message : error}`);
  }
  const { title, software } = describeAdapter(adapter.info);
  const backend = { tf, onGpu: !software, device: `webgpu: ${title}`, use: () => setBackend(tf, 'webgpu') };
  await checkArithmetic(backend);
  return backend;
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

/**
 * How TensorFlow.js multiplies matrices: always as it does large ones. Left to itself it splits the sums of a small result
 * that are longer than 2,000, and in 4.22 such a product with a transposed second matrix is wrong in every digit.
 */
const PACKED = 3;

/** A backend's way to run a shader, and what its shaders of pools are. */
type ShaderBackend = { runWebGPUProgram(program: PoolShader, ...inputs: unknown[]): unknown };
type PoolShader = { readonly computePositions?: boolean; getUserCode(): string };

const mended = new WeakSet<ShaderBackend>();
const LAST_OF_EQUALS = 'if (value >= currMaxValue)';
const FIRST_OF_EQUALS = 'if (maxValueFound == 0.0 || value > maxValue)';

/**
 * The shader that tells which pixel a max pool took names the last of equal ones, and every other engine the first: on
 * blank parts of pictures gradients would go elsewhere. It is the same text but for the comparison.
 */
function firstOfEqualsInPools(backend: ShaderBackend): void {
  if (mended.has(backend)) return;
  mended.add(backend);
  const run = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, ...inputs) => {
    if (program.computePositions) {
      const code = program.getUserCode();
      if (!code.includes(LAST_OF_EQUALS)) throw new Error('This TensorFlow.js has another shader for max pools');
      program.getUserCode = () => code.replace(LAST_OF_EQUALS, FIRST_OF_EQUALS);
    }
    return run(program, ...inputs);
  };
}
