import { afterAll, expect, test } from 'vitest';
import { engines } from '../../workers/engines/engines.ts';
import { probe } from '../../workers/engines/probe.ts';
import { describeEngine } from '../contract/engine.contract.ts';

/** Native TensorFlow on the CPU, where a package of it is found: scripts/native-tensorflow.sh. Without one every test fails. */
let device = '';
describeEngine('tensorflow-native', async (...args) => {
  const engine = await (await engines['tensorflow-native'].load())(...args);
  device = engine.device;
  return engine;
});

test('a worker that asks for TensorFlow finds it', async () => {
  expect(await probe('tensorflow-native')).toEqual({ works: true, device, onGpu: false, speed: null });
  expect(device).toMatch(/^cpu \(tfjs-node/);
});

afterAll(() => console.log(device));
