import { expect, test } from 'vitest';
import type { SeenColumns } from '../../../../../learning/relevance/seen-pairs.ts';
import { fingerprintOf } from '../../../../../workers/training/network/keeping.ts';
import type { TrainingRequest } from '../../../../../workers/training/protocol.ts';
import { trainingRequest } from '../../../../support/training-request.ts';

const set = {
  starts: Int32Array.of(0, 1),
  hashes: new Uint8Array(32),
  categories: new Int32Array(1),
  splits: new Uint8Array(1),
  pixels: {},
};
const seen = (rows: number): SeenColumns => ({
  anchors: new Int32Array(rows),
  items: new Int32Array(rows),
  positions: new Int32Array(rows).fill(1),
  placements: new Int32Array(rows),
  impressions: new Float64Array(rows).fill(1 / 3),
  clicks: new Float64Array(rows).fill(1 / 7),
  values: new Float64Array(rows).fill(1 / 7),
  placementNames: ['cart'],
});
const requestOf = (asked: Partial<TrainingRequest>) => trainingRequest(set, { recipe: 'catalog', steps: 1, ...asked });

test('only the same feedback goes on from a checkpoint', () => {
  const prints = new Set<string>();
  const changes: ((columns: SeenColumns) => unknown)[] = [
    () => null,
    ({ anchors }) => anchors.fill(1, 2),
    ({ items }) => items.fill(1, 2),
    ({ positions }) => positions.fill(2, 2),
    ({ placements }) => placements.fill(-1, 2),
    ({ impressions }) => impressions.fill(1, 2),
    ({ clicks }) => clicks.fill(1, 2),
    ({ values }) => values.fill(1, 2),
    ({ placementNames }) => placementNames.fill('page'),
  ];
  for (const change of changes) {
    const feedback = seen(3);
    change(feedback);
    prints.add(fingerprintOf(requestOf({ feedback })));
  }
  expect(prints.size).toBe(changes.length);
  expect(prints.has(fingerprintOf(requestOf({ feedback: seen(3) })))).toBe(true);
});

test('feedback of a large shop has a fingerprint, too: as text it is longer than a string can be', () => {
  expect(fingerprintOf(requestOf({ feedback: seen(4_500_000) }))).toMatch(/^[0-9a-f]{64}$/);
});
