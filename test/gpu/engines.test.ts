import { expect, test } from 'vitest';
import { type EngineId, engines, gpuEngineIds } from '../../workers/engines/engines.ts';
import { type Probe, probe } from '../../workers/engines/probe.ts';
import { describeEngine } from '../contract/engine.contract.ts';

/**
 * Every engine that computes on a GPU here, held to the contract of all engines. The others are named with their reason;
 * where none is left the first test fails, so that nothing passes without a GPU.
 */
const found = new Map<EngineId, Probe>();
for (const id of gpuEngineIds) found.set(id, await probe(id));
const running = [...found].filter(([, tried]) => tried.works && tried.onGpu).map(([id]) => id);

test('an engine computes on a GPU of this machine', () => {
  const told = [...found].map(([id, tried]) => `${id}: ${tried.works ? tried.device : tried.why}`).join('\n');
  console.log(told);
  expect(running, told).not.toEqual([]);
});

for (const id of running) describeEngine(id, async (...args) => (await engines[id].load())(...args));
