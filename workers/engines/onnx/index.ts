import type { OpenEngine } from '../engine.ts';
import { OnnxEngine } from './onnx-engine.ts';
import { cpuDevice, cudaDevice, type Device, loadRuntime, type Runtime, webgpuDevice } from './runtime.ts';

export { embeddingModel } from './models.ts';

/** ONNX Runtime on the CPU. The same call gives the same bits. */
export const openOnnxEngine: OpenEngine = (...args) => openOn(cpuDevice, ...args);

/** On any GPU with a Vulkan, Metal or Direct3D driver; its device says when that is only a software adapter. */
export const openOnnxWebgpuEngine: OpenEngine = (...args) => openOn(webgpuDevice, ...args);

/** On an NVIDIA GPU, where onnxruntime-node was installed with its CUDA libraries. */
export const openOnnxCudaEngine: OpenEngine = (...args) => openOn(cudaDevice, ...args);

type FindDevice = (runtime: Runtime, threads: number) => Promise<Device>;

async function openOn(find: FindDevice, ...[spec, weights, options]: Parameters<OpenEngine>) {
  const runtime = await loadRuntime();
  return new OnnxEngine(runtime, await find(runtime, options.threads), spec, weights, options);
}
