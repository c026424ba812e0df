import { type Backend, checkArithmetic, importTensorFlow, setBackend, unavailable } from '../backend.ts';
import { registerTrainingKernels } from './kernels.ts';

let isRegistered = false;

/** WebAssembly with SIMD, one thread. @throws SimiliError ENGINE_UNAVAILABLE with the reason. */
export async function loadWasmBackend(): Promise<Backend> {
  const tf = await importTensorFlow();
  try {
    await import('@tensorflow/tfjs-backend-wasm');
    if (!isRegistered) registerTrainingKernels(tf);
    isRegistered = true;
    await setBackend(tf, 'wasm');
  } catch (error) {
    throw unavailable(`WebAssembly does not start: ${error instanceof Error ? error.message : error}`);
  }
  const backend = { tf, onGpu: false, device: 'cpu (WebAssembly)', use: () => setBackend(tf, 'wasm') };
  await checkArithmetic(backend);
  return backend;
}
