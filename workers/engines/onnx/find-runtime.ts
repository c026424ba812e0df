import { createRequire } from 'node:module';

/** Packages that may bring ONNX Runtime, best first: one that the shop installed itself, perhaps with CUDA, and the one that comes with us. */
const PACKAGES = ['onnxruntime-node', '@simili/onnxruntime'] as const;

/** The main file of the ONNX Runtime that is installed (`<package>/dist/index.js`); null: there is none. */
export function findRuntime(): string | null {
  const require = createRequire(import.meta.url);
  for (const name of PACKAGES) {
    try {
      return require.resolve(name);
    } catch {
      // The next one.
    }
  }
  return null;
}
