import { beforeEach, expect, test } from 'vitest';
import { cudaDevice, type Runtime } from '../../../../../workers/engines/onnx/runtime.ts';
import { loadNativeBackend } from '../../../../../workers/engines/tensorflow/backend.ts';

/** The variable that NVIDIA's libraries read; test runs share a process. */
const asked = () => process.env.NVIDIA_TF32_OVERRIDE;
beforeEach(() => {
  delete process.env.NVIDIA_TF32_OVERRIDE;
});

/** A runtime that computes what is asked first of a provider, and notes what it would have found in its environment. */
function fakeRuntime() {
  const found: (string | undefined)[] = [];
  const session = { run: async () => ({ product: { data: [32] } }), release: async () => {} };
  const InferenceSession = {
    create: async () => {
      found.push(asked());
      return session;
    },
  };
  return { found, runtime: { InferenceSession, Tensor: class {} } as unknown as Runtime };
}

test('ONNX Runtime on CUDA multiplies in float32 before its first session is opened', async () => {
  const { found, runtime } = fakeRuntime();
  expect((await cudaDevice(runtime, 1)).onGpu).toBe(true);
  expect(found).toEqual(['0']);
});

test('native TensorFlow is told so before its package is loaded', async () => {
  // Any module that can be required stands for the package: it registers no backend, so that loading ends there.
  await expect(loadNativeBackend('zod')).rejects.toThrow('zod does not load');
  expect(asked()).toBe('0');
});
