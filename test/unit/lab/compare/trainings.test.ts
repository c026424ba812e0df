import { expect, test } from 'vitest';
import { trainingsOf } from '../../../../lab/compare/compare-methods.ts';
import { sideBySide } from '../../../../lab/evaluate/side-by-side.ts';
import { methodsNamed } from '../../../../lab/methods/index.ts';
import { loadConfig } from '../../../../src/config.ts';

const GB = 1e9;
const asked = (settings: Record<string, string>, preset: string, trainings: number, cores: number, bytes: number) => {
  const { hosts, config } = sideBySide(loadConfig(settings), preset, trainings, { cores, bytes });
  return { hosts, processes: config.SIMILI_TRAIN_PROCESSES };
};

test('trainings run side by side as far as cores, memory and their number go', () => {
  expect(asked({}, 'tiny', 45, 2, 24 * GB)).toEqual({ hosts: 2, processes: 1 });
  expect(asked({}, 'tiny', 45, 16, 128 * GB)).toEqual({ hosts: 16, processes: 1 });
  expect(asked({}, 'tiny', 3, 16, 128 * GB)).toEqual({ hosts: 3, processes: 1 });
  expect(asked({}, 'tiny', 45, 16, 4 * GB)).toEqual({ hosts: 3, processes: 1 });
  // 10 GB were measured for one with the paper's network.
  expect(asked({}, 'paper', 45, 16, 24 * GB)).toEqual({ hosts: 2, processes: 1 });
  expect(asked({}, 'paper', 45, 16, 8 * GB)).toEqual({ hosts: 1, processes: 1 });
});

test('what the configuration says about threads, processes and GPUs stands', () => {
  expect(asked({ SIMILI_THREADS: '4' }, 'tiny', 45, 16, 128 * GB)).toEqual({ hosts: 4, processes: 1 });
  expect(asked({ SIMILI_TRAIN_PROCESSES: '4' }, 'tiny', 45, 16, 128 * GB)).toEqual({ hosts: 4, processes: 4 });
  expect(asked({ SIMILI_TRAIN_PROCESSES: '4' }, 'tiny', 45, 2, 24 * GB)).toEqual({ hosts: 1, processes: 4 });
  // All GPUs work on one training.
  expect(asked({ SIMILI_GPUS: '0,1' }, 'tiny', 45, 16, 128 * GB).hosts).toBe(1);
});

test('nothing to train is no reason for no host', () => {
  expect(asked({}, 'tiny', 0, 2, 24 * GB).hosts).toBe(1);
});

test('a network that several methods need is trained once for each seed, and seeds take turns', () => {
  const planned = trainingsOf(methodsNamed(['pixels', 'singleScale', 'singleScaleVisual', 'deepRanking']), 2);
  expect(planned.map(({ training, seed }) => `${training.scales} ${seed}`)).toEqual([
    'single 1',
    'multi 1',
    'single 2',
    'multi 2',
  ]);
  expect(trainingsOf(methodsNamed(['pixels', 'fisher']), 2)).toEqual([]);
});
