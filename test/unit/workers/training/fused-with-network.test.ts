import { expect, test } from 'vitest';
import { initialWeights } from '../../../../learning/network/initial-weights.ts';
import { presetNamed } from '../../../../learning/network/presets.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { recipeNamed } from '../../../../learning/recipes/recipe.ts';
import type { Fit } from '../../../../workers/training/fit.ts';
import type { TrainedNetwork } from '../../../../workers/training/network/index.ts';
import type { Members } from '../../../../workers/training/network/members/index.ts';
import { fusedWithNetwork } from '../../../../workers/training/train.ts';

test('a network sees what its share is fitted by, however many choices there are', async () => {
  const anchors = 5_100; // of validation, behind three products that stand in all of their lists
  const spec = presetNamed('tiny');
  const random = makeRandom(1);
  const starts = Int32Array.from({ length: anchors + 4 }, (_, i) => i);
  const set = { starts, splits: new Uint8Array(anchors + 3).fill(1) };
  const sets = Array.from({ length: anchors }, (_, i) => ({
    anchor: i + 3,
    items: Int32Array.of(0, 1, 2),
    chosen: Float64Array.of(1, 0, 0),
    exposure: Float64Array.of(1, 1, 1),
  }));
  const blank = new Uint8Array(64 * 64 * 3);
  const fit = {
    set,
    spec,
    evidence: { structure: [], identity: [], people: [], choices: 0, sets },
    frozen: { fitted: [], prior: [] },
    views: () => ({ pictures: Array(40).fill(blank), identities: Int32Array.from({ length: 40 }, (_, i) => i >> 2) }),
    load: () => blank,
    recipe: recipeNamed('catalog'),
    categories: { taught: null, why: '' },
    clicks: { triplets: [] },
    backbone: null,
    emit: () => {},
  } as unknown as Fit;
  let seen = 0;
  const engine = {
    setWeights: async () => {},
    embed: async (_input: Float32Array, n: number) => {
      seen += n;
      return Float32Array.from({ length: n * spec.embedding }, () => random.gaussian());
    },
  };
  const weights = initialWeights(spec, random);
  const trained: TrainedNetwork = { weights, steps: 1, keptStep: 1, loss: 1, counts: {} };
  const members = { engine, reason: 'test', count: 1 } as unknown as Members;
  await fusedWithNetwork(fit, trained, members, null);
  expect(seen).toBe(40 + 5000 + 3);
});
