import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pictureSpace, UNRELATED, type VersionSpace } from '../../../../src/ports/space.ts';
import { alikeAmong, diversified } from '../../../../src/similarity/diversity.ts';
import { unit } from '../../../support/fixtures.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('an order by diversity', () => {
  test('is maximal marginal relevance by its definition', () => {
    fc.assert(
      fc.property(fc.array(share, { maxLength: 12 }), fc.infiniteStream(share), share, (scores, stream, diversity) => {
        const found = scores.sort((a, b) => b - a).map((score, i) => ({ productId: `p${i}`, score }));
        const table = found.map(() => found.map(() => stream.next().value as number));
        const at = (id: string) => Number(id.slice(1));
        const alike = (a: string, b: string) => table[Math.min(at(a), at(b))]![Math.max(at(a), at(b))]!;
        const right: typeof found = [];
        while (right.length < found.length) {
          const gains = found.map((one) =>
            right.includes(one)
              ? Number.NEGATIVE_INFINITY
              : (1 - diversity) * one.score -
                diversity * Math.max(0, ...right.map((shown) => alike(shown.productId, one.productId))),
          );
          right.push(found[gains.indexOf(Math.max(...gains))]!);
        }
        expect(diversified(found, alike, diversity)).toEqual(right);
      }),
    );
  });

  test('of 0 leaves a list as it is, of 1 puts what looks like nothing before it second', () => {
    const found = ['p0', 'p1', 'p2'].map((productId, i) => ({ productId, score: 0.9 - i / 10 }));
    const alike = (a: string, b: string) => (a === 'p2' || b === 'p2' ? 0.1 : 0.99);
    const idsOf = (diversity: number) => diversified(found, alike, diversity).map(({ productId }) => productId);
    expect(idsOf(0)).toEqual(['p0', 'p1', 'p2']);
    expect(idsOf(1)).toEqual(['p0', 'p2', 'p1']);
    expect(diversified([], alike, 1)).toEqual([]);
  });
});

test('likeness within a list is on the scale of scores, and what a space does not know is unrelated in it', async () => {
  const pictures = pictureSpace(2);
  const bits: VersionSpace = {
    ...pictures,
    name: 'bits',
    dimensions: 4,
    storage: 'bit',
    distance: 'hamming',
    weight: 3,
  };
  const angle = (a: number) => unit([Math.cos(a), Math.sin(a)]);
  const stored: Record<string, Map<string, Float32Array>> = {
    pictures: new Map([
      ['a', angle(0)],
      ['b', angle(1)],
      ['c', angle(0)],
    ]),
    bits: new Map([
      ['a', Float32Array.of(1, 0, 1, 0)],
      ['b', Float32Array.of(1, 1, 1, 0)],
    ]),
  };
  const asked: unknown[] = [];
  const embeddings = {
    vectors: async (model: number, ids: readonly string[], space = pictures as { name: string }) => {
      asked.push([model, ids, space.name]);
      return stored[space.name]!;
    },
  };
  const ids = ['a', 'b', 'c'];
  const alike = await alikeAmong(embeddings as never, { number: 7, spaces: [pictures, bits] }, ids);
  expect(asked).toEqual([
    [7, ids, 'pictures'],
    [7, ids, 'bits'],
  ]);
  const chord = 2 - 2 * Math.cos(1);
  expect(alike('a', 'b')).toBeCloseTo(1 - (chord / 4 + (3 / 4) * 1) / 4, 6);
  expect(alike('a', 'c')).toBeCloseTo(1 - ((3 / 4) * UNRELATED) / 4, 6);
  expect(alike('b', 'a')).toBe(alike('a', 'b'));
});

test('likeness in a cosine space does not see how long its vectors are', async () => {
  const words: VersionSpace = { ...pictureSpace(2), name: 'words', distance: 'cosine' };
  const vectors = async () =>
    new Map([
      ['a', Float32Array.of(3, 0)],
      ['b', Float32Array.of(0.5, 0)],
      ['c', Float32Array.of(0, 7)],
    ]);
  const alike = await alikeAmong({ vectors } as never, { number: 1, spaces: [words] }, ['a', 'b', 'c']);
  expect([alike('a', 'b'), alike('a', 'c')]).toEqual([1, 0.5]);
});
