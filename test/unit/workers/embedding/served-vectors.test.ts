import { squaredDistance } from '@simili/learning/numbers/distance';
import { expect, test } from 'vitest';
import type { VersionSpace } from '../../../../src/ports/space.ts';
import { servedVectors } from '../../../../workers/embedding/served-vectors.ts';

const words: VersionSpace = {
  name: 'words',
  dimensions: 3,
  distance: 'cosine',
  storage: 'vector',
  weight: 3,
  encoder: 'words-1',
};
const bits: VersionSpace = { ...words, name: 'bits', dimensions: 4, distance: 'hamming', storage: 'bit', weight: 4 };
const STORED: Record<string, Record<string, number[]>> = {
  pictures: { a: [1, 0], b: [0.6, 0.8] },
  words: { a: [1, 0, 0], b: [0, 0, 1], 'without a picture': [1, 0, 0] },
  bits: { a: [1, 0, 1, 1], b: [1, 1, 1, 0] },
};
const embeddings = {
  vectors: async (_model: number, ids: readonly string[], space: { name: string } = { name: 'pictures' }) => {
    const rows = Object.entries(STORED[space.name]!).filter(([id]) => ids.includes(id));
    return new Map(rows.map(([id, row]) => [id, Float32Array.from(row)]));
  },
};
const served = (spaces: VersionSpace[]) =>
  servedVectors(
    embeddings,
    { number: 1, dimensions: 2, storage: 'VECTOR', isBinary: false, candidates: null, spaces: spaces as never },
    ['a', 'b', 'without a picture'],
  );

test('a candidate of several spaces is measured by the distances that it would rank by', async () => {
  const vectors = await served([words, bits]);
  expect([...vectors.keys()]).toEqual(['a', 'b']);
  const [pictures, ofWords, ofBits] = [0.8, 2, (4 * 2) / 4];
  const expected = (1 * pictures + 3 * ofWords + 4 * ofBits) / 8;
  expect(squaredDistance(vectors.get('a')!, vectors.get('b')!)).toBeCloseTo(expected, 5);
});

test('of one space the vectors are those that are stored', async () => {
  expect((await served([])).get('b')).toEqual(Float32Array.of(0.6, 0.8));
});
