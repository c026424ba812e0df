import { expect, test } from 'vitest';
import { inverseFrequencies, siftWords, weighWords } from '../../../../lab/baselines/bag-of-words.ts';
import { drawWithout, sampleDescriptors } from '../../../../lab/baselines/descriptor-sample.ts';
import { denseDescriptors, descriptorLength } from '../../../../lab/baselines/sift.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { PICTURE_SIZE, type Picture } from '../../../../learning/picture.ts';
import { describeBaseline, drawPictures } from '../../../support/baseline-sanity.ts';

describeBaseline('SIFT words', siftWords);

/** Grey pixels by place, 0..255. */
function grey(value: (x: number, y: number) => number): Picture {
  const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3);
  for (let y = 0, at = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++, at += 3) picture.fill(value(x, y), at, at + 3);
  }
  return picture;
}

const white = grey(() => 255);
const rowsOf = (picture: Picture): Float32Array[] => {
  const rows = denseDescriptors(picture);
  return Array.from({ length: rows.length / descriptorLength }, (_, i) =>
    rows.subarray(i * descriptorLength, (i + 1) * descriptorLength),
  );
};

test('descriptors have unit length, and there are none where there is no ink', () => {
  expect(denseDescriptors(white)).toHaveLength(0);
  // Texture all over: every window of 13 x 13, 11 x 11 and 9 x 9.
  const full = rowsOf(grey((x, y) => (((x >> 2) + (y >> 2)) % 2) * 200));
  expect(full).toHaveLength(13 ** 2 + 11 ** 2 + 9 ** 2);
  for (const row of full) expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
  const corner = rowsOf(grey((x, y) => (x < 8 && y < 8 ? 0 : 255)));
  expect(corner.length).toBeGreaterThan(0);
  expect(corner.length).toBeLessThan(60);
});

test('a ramp of ink has one direction, equal in all cells', () => {
  // Ink rises to the right and by as much downwards: the orientation at 45 degrees, bin 1 of 8.
  const ramp = rowsOf(grey((x, y) => 255 - 2 * x - 2 * y));
  // In the middle of the picture: far from the border against white.
  const middle = ramp[6 * 13 + 6]!;
  middle.forEach((value, i) => {
    expect(value).toBeCloseTo(i % 8 === 1 ? 1 / 4 : 0, 5);
  });
});

test('a picture turned by a half has the descriptors turned', () => {
  const picture = drawPictures(1, 3)[0]!;
  const turned = new Uint8Array(picture.length);
  for (let i = 0; i < PICTURE_SIZE ** 2; i++)
    turned.set(picture.subarray(3 * i, 3 * i + 3), picture.length - 3 * i - 3);
  const sums = (rows: Float32Array[], at: (cell: number, o: number) => number) =>
    Array.from({ length: descriptorLength }, (_, i) =>
      rows.reduce((sum, row) => sum + row[at(Math.floor(i / 8), i % 8)]!, 0),
    );
  // The grid of windows is the same from both ends, so that all descriptors together may be compared.
  const before = sums(rowsOf(picture), (cell, o) => 8 * cell + o);
  const after = sums(rowsOf(turned), (cell, o) => 8 * (15 - cell) + ((o + 4) % 8));
  before.forEach((value, i) => {
    expect(after[i]).toBeCloseTo(value, 2);
  });
});

test('a sample has rows of the pictures, no more than asked for, and skips empty pictures', () => {
  const [picture] = drawPictures(1, 4) as [Picture];
  const own = new Set(rowsOf(picture).map((row) => row.join()));
  const sample = sampleDescriptors([white, picture, white], makeRandom(2), 30);
  const rows = Array.from({ length: sample.length / descriptorLength }, (_, i) =>
    sample.subarray(i * descriptorLength, (i + 1) * descriptorLength).join(),
  );
  expect(rows).toHaveLength(10);
  for (const row of rows) expect(own.has(row)).toBe(true);
  expect(sampleDescriptors([picture, picture], makeRandom(2), 7)).toHaveLength(7 * descriptorLength);
  expect(() => sampleDescriptors([white], makeRandom(2), 10)).toThrow('No picture shows anything');
});

test('drawing without replacement repeats nothing, and every number gets its turn', () => {
  const random = makeRandom(6);
  const counts = new Array<number>(5).fill(0);
  for (let i = 0; i < 4000; i++) {
    const drawn = drawWithout(5, 2, random);
    expect(new Set(drawn).size).toBe(2);
    for (const value of drawn) counts[value]!++;
  }
  // 1600 each; their standard deviation is about 31.
  for (const count of counts) expect(Math.abs(count - 1600)).toBeLessThan(155);
  expect(drawWithout(3, 10, random).sort()).toEqual([0, 1, 2]);
});

test('tf-idf by hand', () => {
  // Of three pictures all have word 0, one has word 1, two have word 2 and none has word 3.
  const counts = [
    [4, 0, 1, 0],
    [1, 2, 0, 0],
    [3, 0, 3, 0],
  ].map((values) => Float32Array.from(values));
  const rarity = inverseFrequencies(counts);
  [4 / 3, 4, 2, 4].forEach((ratio, word) => {
    expect(rarity[word]).toBeCloseTo(Math.log(ratio), 6);
  });
  // 4 x 0.287682 = 1.150728 and 1 x 0.693147, of 1.843875.
  const weighed = weighWords(counts[0]!, rarity);
  [0.624082, 0, 0.375918, 0].forEach((share, word) => {
    expect(weighed[word]).toBeCloseTo(share, 5);
  });
  expect(Array.from(weighWords(new Float32Array(4), rarity))).toEqual([0, 0, 0, 0]);
});
