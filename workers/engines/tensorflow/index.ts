import { SimiliError } from 'simili/internal/errors';
import type { OpenEngine } from '../engine.ts';
import { type Backend, loadGpuBackend, loadInstalledBackend, loadJavaScriptBackend } from './backend.ts';
import { TensorflowEngine } from './tensorflow-engine.ts';
import { loadWebgpuBackend } from './webgpu.ts';

// All load TensorFlow.js when they are called, not before.

/** On the best backend that needs no GPU: native TensorFlow where it is installed, else pure JavaScript. */
export const openTensorflowEngine: OpenEngine = (...args) =>
  openOn(() => loadInstalledBackend().catch(loadJavaScriptBackend), ...args);

/** On tfjs-node-gpu or tfjs-node, wherever they run. */
export const openNativeEngine: OpenEngine = (...args) => openOn(() => loadInstalledBackend(), ...args);

/** On tfjs-node-gpu with a GPU, or not at all. */
export const openTensorflowGpuEngine: OpenEngine = (...args) => openOn(() => loadGpuBackend(), ...args);

/** On any GPU with a Vulkan, Metal or Direct3D driver; its device says when that is only a software adapter. */
export const openWebgpuEngine: OpenEngine = (...args) => openOn(loadWebgpuBackend, ...args);

/** On the pure JavaScript backend: slow, runs everywhere. */
export const openJavaScriptEngine: OpenEngine = (...args) => openOn(loadJavaScriptBackend, ...args);

async function openOn(load: () => Promise<Backend>, ...[spec, weights, options]: Parameters<OpenEngine>) {
  const backend = await load().catch((error: unknown) => {
    if (error instanceof SimiliError) throw error;
    throw new SimiliError('ENGINE_UNAVAILABLE', { engine: 'tensorflow', why: String(error) });
  });
  return TensorflowEngine.open(backend, spec, weights, options);
}
