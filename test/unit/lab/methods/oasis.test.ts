import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { golden } from '../../../../lab/methods/golden.ts';
import type { MethodContext } from '../../../../lab/methods/method.ts';
import { oasisOnFeatures } from '../../../../lab/methods/oasis.ts';
import { labelledPictures } from '../../../../lab/questions/labelled.ts';
import type { Split } from '../../../../learning/metrics/split.ts';
import { PICTURE_SIZE, type Picture } from '../../../../learning/picture.ts';
import { writeTrainingSet } from '../../../support/training-set.ts';

/** A square of one colour on white. */
function square(left: number, top: number, side: number, colour: number[]): Picture {
  const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
  for (let y = top; y < top + side; y++)
    for (let x = left; x < left + side; x++) picture.set(colour, (y * PICTURE_SIZE + x) * 3);
  return picture;
}

test('OASIS stands on L1HashKPCA, as in the paper: what shares no bin with any training picture is all one to it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-oasis-'));
  try {
    const learned = Array.from({ length: 40 }, (_, i) => ({
      id: `${i}`,
      category: `${i % 4}`,
      split: 'train' as Split,
      pictures: [square(4 + (i % 4), 4 + (i % 5), 12 + (i % 3), [200 - 5 * (i % 4), 20, 20])],
    }));
    const strange = [square(40, 8, 12, [20, 20, 200]), square(40, 40, 12, [20, 200, 20])].map((picture, i) => ({
      id: `strange ${i}`,
      category: null,
      split: 'test' as Split,
      pictures: [picture],
    }));
    const { set } = await writeTrainingSet(dir, [...learned, ...strange]);
    const data = labelledPictures({ set, splits: set.splits, rated: [], labels: {} as never });
    const context: MethodContext = { data, trainer: {} as never, seed: 1, signal: new AbortController().signal };
    const pictures = Int32Array.of(0, 40, 41);
    const byOasis = await (await oasisOnFeatures.fit(context))(pictures);
    const byGolden = await (await golden.fit(context))(pictures);
    expect(byOasis(40, 41)).toBeCloseTo(0, 6);
    expect(byGolden(40, 41)).toBeGreaterThan(0.1);
    expect(byOasis(0, 40)).toBeGreaterThan(0.1);
  } finally {
    await rm(dir, { recursive: true });
  }
});
