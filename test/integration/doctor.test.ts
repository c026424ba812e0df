import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Diagnosis, diagnose, tableOf } from '../../cli/commands/doctor.ts';
import { type EngineId, engineIds } from '../../workers/engines/engines.ts';
import type { Probe } from '../../workers/engines/probe.ts';
import { builtFile } from '../support/built.ts';

const on = (device: string, onGpu: boolean): Probe => ({
  works: true,
  device,
  onGpu,
  speed: { train: 1234.5, embed: 5678.9 },
});
const not = (why: string): Probe => ({ works: false, why });
/** Probes of a machine with a GPU, a software adapter beside it and no CUDA; `changes` on top of them. */
const machine = (changes: Partial<Record<EngineId, Probe>> = {}) => {
  const found: Record<EngineId, Probe> = {
    'tensorflow-gpu': not('is not installed'),
    'onnx-cuda': not('its CUDA library is not installed'),
    'tensorflow-webgpu': on('webgpu: some GPU', true),
    'onnx-webgpu': on('webgpu: some GPU', true),
    onnx: on('cpu (1 thread)', false),
    'tensorflow-native': not('is not installed'),
    'tensorflow-javascript': on('cpu (pure JavaScript)', false),
    ...changes,
  };
  return new Map(engineIds.map((id) => [id, found[id]]));
};
const software = on('webgpu: llvmpipe (software)', false);
const nothing = Object.fromEntries(engineIds.map((id) => [id, not('broken')]));

describe('what a worker takes', () => {
  test('the first engine on a GPU, and what spoke against better ones', () => {
    const { chosen, reason } = diagnose(machine(), 'auto', false);
    expect(chosen).toBe('onnx-webgpu'); // two to three times as fast as TensorFlow.js on the same card (docs/engines.md)
    expect(reason).toContain('onnx-cuda: its CUDA library is not installed; tensorflow-gpu: is not installed');
  });

  test('ONNX Runtime on the CPU where adapters are software, and nothing at all where a GPU is required', () => {
    const found = machine({ 'tensorflow-webgpu': software, 'onnx-webgpu': software });
    expect(diagnose(found, 'auto', false).chosen).toBe('onnx');
    const { chosen, reason } = diagnose(found, 'auto', true);
    expect(chosen).toBeNull();
    expect(reason).toContain('onnx: runs on cpu (1 thread), and a GPU is required');
    expect(reason).toContain('tensorflow-webgpu: runs on webgpu: llvmpipe (software), and a GPU is required');
  });

  test('what was asked for by name, also on a software adapter, or nothing', () => {
    const found = machine({ 'tensorflow-webgpu': software, 'onnx-webgpu': not('broken') });
    expect(diagnose(found, 'tensorflow-webgpu', false).chosen).toBe('tensorflow-webgpu');
    expect(diagnose(found, 'tensorflow', false).chosen).toBe('tensorflow-javascript');
    expect(diagnose(found, 'onnx-webgpu', false)).toMatchObject({
      chosen: null,
      reason: 'onnx-webgpu: broken',
    });
  });
});

test('the table has a line for every engine, with its device or its reason, and the verdict', () => {
  const lines = tableOf(diagnose(machine(), 'auto', false)).split('\n');
  expect(lines).toHaveLength(engineIds.length + 3);
  expect(lines[1]).toMatch(/^ONNX Runtime with CUDA +- +- {2}its CUDA library is not installed$/);
  expect(lines[4]).toMatch(/^TensorFlow.js with WebGPU +1200 +5700 {2}webgpu: some GPU$/);
  expect(lines.at(-1)).toMatch(/^A worker takes ONNX Runtime with WebGPU: .*GPUs before CPUs/);
  expect(tableOf(diagnose(machine(nothing), 'auto', false))).toContain('No worker can run: onnx-cuda: broken; ');
});

describe('simili doctor', () => {
  const run = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, [builtFile('cli/main'), 'doctor', '--json'], {
      env: { ...process.env, ...env },
    }).then(
      ({ stdout }) => ({ code: 0, diagnosis: JSON.parse(stdout) as Diagnosis }),
      ({ code, stdout }) => ({ code, diagnosis: JSON.parse(stdout) as Diagnosis }),
    );

  test('tries every engine and measures those that run', { timeout: 300_000 }, async () => {
    const { code, diagnosis } = await run({ SIMILI_ENGINE: 'onnx', SIMILI_REQUIRE_GPU: 'true' });
    expect(diagnosis.engines.map(({ name }) => name)).toEqual([...engineIds]);
    for (const { available, device, trainPerSecond, embedPerSecond } of diagnosis.engines) {
      expect(device.length).toBeGreaterThan(2);
      if (available) expect(Math.min(trainPerSecond!, embedPerSecond!)).toBeGreaterThan(0);
      else expect([trainPerSecond, embedPerSecond]).toEqual([null, null]);
    }
    const named = (name: EngineId) => diagnosis.engines.find((row) => row.name === name)!;
    expect(named('onnx')).toMatchObject({ available: true, device: 'cpu (1 thread)', onGpu: false });
    expect(named('tensorflow-javascript')).toMatchObject({
      available: true,
      device: 'cpu (pure JavaScript)',
      onGpu: false,
    });
    expect(named('onnx').trainPerSecond!).toBeGreaterThan(named('tensorflow-javascript').trainPerSecond!);
    // ONNX Runtime on the CPU is no GPU: with this configuration no worker runs.
    expect(diagnosis).toMatchObject({ chosen: null, reason: expect.stringContaining('a GPU is required') });
    expect(code).toBe(1);
  });
});
