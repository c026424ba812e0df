import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { OpenEngine } from './engine.ts';
import { findRuntime } from './onnx/find-runtime.ts';

export type EngineEntry = {
  /** For people. */
  readonly title: string;
  /** On a CPU another is faster: a choice among several takes it only where it runs on a GPU. */
  readonly gpuOnly: boolean;
  /** Loads its library: an engine that is not chosen is never loaded. */
  readonly load: () => Promise<OpenEngine>;
  /** Why it cannot be here, where a look at the files is enough to know. */
  readonly absent?: () => string | null;
};

const tensorflow = () => import('./tensorflow/index.ts');
const onnx = () => import('./onnx/index.ts');

/** Every engine that there is, by the name that people read; best first where several work. */
const table = {
  'onnx-cuda': {
    title: 'ONNX Runtime with CUDA',
    gpuOnly: true,
    load: async () => (await onnx()).openOnnxCudaEngine,
    absent: () => missingCudaProvider(),
  },
  'tensorflow-gpu': {
    title: 'TensorFlow with CUDA (tfjs-node-gpu)',
    gpuOnly: true,
    load: async () => (await tensorflow()).openTensorflowGpuEngine,
    absent: () => missingPackage('@tensorflow/tfjs-node-gpu'),
  },
  'onnx-webgpu': {
    title: 'ONNX Runtime with WebGPU',
    gpuOnly: true,
    load: async () => (await onnx()).openOnnxWebgpuEngine,
  },
  'tensorflow-webgpu': {
    title: 'TensorFlow.js with WebGPU',
    gpuOnly: true,
    load: async () => (await tensorflow()).openWebgpuEngine,
    absent: () => missingPackage('webgpu'),
  },
  onnx: {
    title: 'ONNX Runtime on the CPU',
    gpuOnly: false,
    load: async () => (await onnx()).openOnnxEngine,
  },
  'tensorflow-native': {
    title: 'TensorFlow on the CPU (tfjs-node)',
    gpuOnly: false,
    load: async () => (await tensorflow()).openNativeEngine,
    absent: () => missingPackage('@tensorflow/tfjs-node-gpu') && missingPackage('@tensorflow/tfjs-node'),
  },
  'tensorflow-javascript': {
    title: 'TensorFlow.js in JavaScript',
    gpuOnly: false,
    load: async () => (await tensorflow()).openJavaScriptEngine,
  },
} satisfies Record<string, EngineEntry>;

export type EngineId = keyof typeof table;
export const engines: Readonly<Record<EngineId, EngineEntry>> = table;
/** Best first. */
export const engineIds = Object.keys(table) as EngineId[];
/** Those that are worth having on a GPU alone, best first. */
export const gpuEngineIds = engineIds.filter((id) => engines[id].gpuOnly);

const require = createRequire(import.meta.url);

function missingPackage(name: string): string | null {
  try {
    require.resolve(name);
    return null;
  } catch (error) {
    // A package for `import` alone is there, but cannot be required.
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return null;
    return `${name} is not installed`;
  }
}

/** The install script of onnxruntime-node downloads it where it may; Windows and macOS have none. */
function missingCudaProvider(): string | null {
  if (process.platform !== 'linux') return 'ONNX Runtime has CUDA on Linux only';
  const runtime = findRuntime();
  if (!runtime) return 'ONNX Runtime is not installed';
  const folder = join(dirname(dirname(runtime)), 'bin', 'napi-v6', process.platform, process.arch);
  return existsSync(join(folder, 'libonnxruntime_providers_cuda.so')) ? null : 'its CUDA library is not installed';
}
