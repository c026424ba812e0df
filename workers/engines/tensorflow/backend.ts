import { createRequire } from 'node:module';
import util from 'node:util';
// Types alone, of what tensorflow-training.ts does.
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { SimiliError } from 'simili/internal/errors';
import { askForFullPrecision } from '../full-precision.ts';

type R4 = import('@tensorflow/tfjs-core').Rank.R4;
export type TensorFlow = typeof import('@tensorflow/tfjs-core');

/** Packages that bring native TensorFlow, best first. */
const nativePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

export type Backend = {
  readonly tf: TensorFlow;
  readonly onGpu: boolean;
  /** For people: "cuda (tfjs-node-gpu)", "cpu (tfjs-node)", "cpu (pure JavaScript)". */
  readonly device: string;
  /** Makes this the backend of what runs next: TensorFlow.js has one current backend per process. */
  use(): Promise<void>;
};

/**
 * Native TensorFlow on what it finds. The first package that loads is the only one tried: two copies of libtensorflow do
 * not share a process.
 * @throws SimiliError ENGINE_UNAVAILABLE with the reason of the last one tried.
 */
export async function loadInstalledBackend(packages: readonly string[] = nativePackages): Promise<Backend> {
  let refusal: unknown;
  for (const name of packages) {
    try {
      return await loadNativeBackend(name);
    } catch (error) {
      refusal = error;
      if ((await importTensorFlow()).findBackendFactory('tensorflow')) break; // It loaded, and then failed.
    }
  }
  throw refusal;
}

/**
 * Native TensorFlow on a GPU that it really sees: the GPU package runs on the CPU without a word when it finds none.
 * @throws SimiliError ENGINE_UNAVAILABLE with the reason.
 */
export async function loadGpuBackend(name: string = nativePackages[0]): Promise<Backend> {
  const backend = await loadNativeBackend(name);
  if (!backend.onGpu) throw unavailable(`${name} loads, but sees no GPU that it can use and would run on the CPU`);
  return backend;
}

/** Single-threaded and slow (a picture a second in training): the oracle in tests, and the last resort. */
export async function loadJavaScriptBackend(): Promise<Backend> {
  const tf = await importTensorFlow();
  await import('@tensorflow/tfjs-backend-cpu');
  const backend = {
    tf,
    onGpu: false,
    device: 'cpu (pure JavaScript)',
    use: () => setBackend(tf, 'cpu'),
  };
  await checkArithmetic(backend);
  return backend;
}

/**
 * Loads a native package into this process.
 * @param name resolved from this file; a path in tests.
 * @throws SimiliError ENGINE_UNAVAILABLE when it is not installed, does not load, or computes wrongly.
 */
export async function loadNativeBackend(name: string): Promise<Backend> {
  const require = createRequire(import.meta.url);
  const path = resolvePackage(require, name); // Before TensorFlow.js is loaded: most machines end here.
  const tf = await importTensorFlow();
  restoreIsNullOrUndefined();
  askForFullPrecision();
  try {
    require(path);
    await setBackend(tf, 'tensorflow');
  } catch (error) {
    throw unavailable(`${name} does not load: ${firstLine(error)}`);
  }
  const onGpu = (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
  const device = `${onGpu ? 'cuda' : 'cpu'} (${name.replace('@tensorflow/', '')})`;
  const backend = {
    tf,
    onGpu,
    device,
    use: () => setBackend(tf, 'tensorflow'),
  };
  await checkArithmetic(backend);
  return backend;
}

export async function importTensorFlow(): Promise<TensorFlow> {
  const tf = await import('@tensorflow/tfjs-core');
  await import('../../generated/tensorflow-training.ts');
  tf.enableProdMode(); // Keeps its advertisement for tfjs-node out of our log.
  return tf;
}

export async function setBackend(tf: TensorFlow, name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js cannot start its backend ${name}`);
}

/** A GPU older or newer than the library can fail at the first operation, or answer with zeros. */
export async function checkArithmetic({ tf, device, use }: Backend): Promise<void> {
  await use();
  const sums = tf.tidy(() => tf.conv2d(tf.ones<R4>([1, 3, 3, 2]), tf.ones<R4>([3, 3, 2, 1]), 1, 'same')); // [1, 3, 3, 1]
  try {
    const centre = (await sums.data())[4];
    if (centre !== 18) throw unavailable(`${device} computes wrongly: a convolution gave ${centre}, not 18`);
  } finally {
    sums.dispose();
  }
}

/** tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  (util as { isNullOrUndefined?: (value: unknown) => boolean }).isNullOrUndefined ??= (value) => value == null;
}

export const unavailable = (why: string) => new SimiliError('ENGINE_UNAVAILABLE', { engine: 'tensorflow', why });

function resolvePackage(require: NodeJS.Require, name: string): string {
  try {
    return require.resolve(name);
  } catch {
    const where = 'npm leaves it out where its download fails (docs/engines.md tells how to add it)';
    throw unavailable(`${name} is not installed; ${where}`);
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
