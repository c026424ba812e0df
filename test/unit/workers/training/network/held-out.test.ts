import { expect, test } from 'vitest';
import { presetNamed } from '../../../../../learning/network/presets.ts';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import type { Engine } from '../../../../../workers/engines/engine.ts';
import type { Fit } from '../../../../../workers/training/fit.ts';
import { heldOutLook } from '../../../../../workers/training/network/held-out.ts';

test('a large catalog is looked at by a sample of its validation products: the first ids may be of one category', async () => {
  const products = 2000; // in the order of their ids, all of validation
  const set = {
    starts: Int32Array.from({ length: products + 1 }, (_, i) => i),
    categories: Int32Array.from({ length: products }, (_, i) => (i < 1000 ? 0 : 1)),
    splits: new Uint8Array(products).fill(1),
  };
  const asked = new Set<number>();
  const load = (picture: number) => {
    asked.add(picture);
    return new Uint8Array(64 * 64 * 3);
  };
  const spec = presetNamed('tiny');
  const look = heldOutLook({ set, spec, load } as unknown as Fit);
  const random = makeRandom(1);
  const embed = async (_input: Float32Array, n: number) =>
    Float32Array.from({ length: n * spec.embedding }, () => random.gaussian());
  const found = await look?.({ embed } as unknown as Engine);
  expect(found?.precision).toBeCloseTo(0.5, 1);
  expect(asked.size).toBeGreaterThan(280);
  expect([...asked].filter((picture) => picture >= 1000).length / asked.size).toBeCloseTo(0.5, 1);
});
