import { afterAll, expect, test } from 'vitest';
import type { OpenEngine } from '../../workers/engines/engine.ts';
import { openOnnxWebgpuEngine } from '../../workers/engines/onnx/index.ts';
import { openWebgpuEngine } from '../../workers/engines/tensorflow/index.ts';
import { describeArithmetic } from '../contract/engine.contract.ts';

/**
 * The engines on whatever adapter WebGPU finds here; without a GPU, on a software one (scripts/software-vulkan.sh). Where
 * there is none every test fails, and nothing here passes without one.
 */
const devices = new Map<string, string>();
const noting =
  (name: string, open: OpenEngine): OpenEngine =>
  async (...args) => {
    const engine = await open(...args);
    devices.set(name, `${engine.device}, ${engine.onGpu ? 'a GPU' : 'no GPU'}`);
    return engine;
  };

describeArithmetic('tensorflow on WebGPU', noting('tensorflow', openWebgpuEngine));
describeArithmetic('onnx on WebGPU', noting('onnx', openOnnxWebgpuEngine));

test('both engines ran on the adapter that they name, and a software one is called so', () => {
  expect([...devices.keys()].sort()).toEqual(['onnx', 'tensorflow']);
  for (const device of devices.values()) {
    expect(device).toMatch(/^webgpu: /);
    if (/llvmpipe|SwiftShader/i.test(device)) expect(device).toMatch(/\(software\), no GPU$/);
  }
});

afterAll(() => console.log(Object.fromEntries(devices)));
