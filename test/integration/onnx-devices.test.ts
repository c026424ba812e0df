import { expect, test } from 'vitest';
import { cpuDevice, cudaDevice, loadRuntime, type Runtime } from '../../workers/engines/onnx/runtime.ts';

const runtime = await loadRuntime();

/** The runtime as it is, but for how a session opens. */
const runtimeThat = (create: () => Promise<unknown>) =>
  ({ ...runtime, InferenceSession: { create } }) as unknown as Runtime;

test('a provider that does not start is refused with its reason', async () => {
  const missing = runtimeThat(() => Promise.reject(new Error('Failed to load libcudart.so.12')));
  await expect(cudaDevice(missing, 1)).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    facts: { engine: 'onnx', why: expect.stringMatching(/cuda provider does not start: .*libcudart/) },
  });
});

test('a provider that computes wrongly is refused', async () => {
  const session = { run: async () => ({ product: { data: new Float32Array(1024) } }), release: async () => {} };
  const broken = runtimeThat(async () => session);
  await expect(cudaDevice(broken, 1)).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    facts: { why: expect.stringContaining('computes wrongly') },
  });
});

test('without blocked convolutions the CPU takes plain ones', async () => {
  const other = runtimeThat(() => Promise.reject(new Error('Unknown domain com.microsoft.nchwc')));
  expect(await cpuDevice(other, 2)).toMatchObject({ title: 'cpu (2 threads)', onGpu: false, block: 1 });
  expect([1, 4, 8, 16, 32]).toContain((await cpuDevice(runtime, 1)).block);
});
