import { expect, test } from 'vitest';
import { qualityGates } from '../../../../workers/evaluation/gates.ts';
import { measure } from '../../../../workers/evaluation/measure.ts';

const precision = (value: number, triplets = 1000) => ({ triplets, precision: value, interval: null });
type Gated = Parameters<typeof qualityGates>[0];
const orNone = (value: number | null) => (value === null ? precision(0, 0) : precision(value));
const measured = (
  structure: number,
  clicks: number | null = null,
  spread = 2,
  ratings: number | null = null,
  later: number | null = null,
): Gated => ({
  structure: precision(structure),
  clicks: orNone(clicks),
  later: orNone(later),
  ratings: orNone(ratings),
  spread,
});
const red = (...args: Parameters<typeof qualityGates>) =>
  qualityGates(...args).flatMap(({ name, passed }) => (passed ? [] : [name]));

test('a first version needs only to be complete and not collapsed', () => {
  expect(red(measured(0.4), null, 0)).toEqual([]);
  expect(red(measured(0.4), null, 3)).toEqual(['complete']);
  expect(red(measured(0.9, 0.9, 0.01), null, 0)).toEqual(['spread']);
});

test('a version that falls behind the one that serves is stopped, by catalog, by clicks or by ratings', () => {
  expect(red(measured(0.681), measured(0.7), 0)).toEqual([]); // two points
  expect(red(measured(0.679), measured(0.7), 0)).toEqual(['catalog']);
  expect(red(measured(0.7, 0.5), measured(0.7, 0.6), 0)).toEqual(['clicks']);
  expect(red(measured(0.7, null, 2, null, 0.79), measured(0.7, null, 2, null, 0.8), 0)).toEqual([]);
  expect(red(measured(0.7, null, 2, null, 0.77), measured(0.7, null, 2, null, 0.8), 0)).toEqual(['later']);
  expect(red(measured(0.7, null, 2, 0.79), measured(0.7, null, 2, 0.8), 0)).toEqual([]);
  expect(red(measured(0.7, null, 2, 0.77), measured(0.7, null, 2, 0.8), 0)).toEqual(['ratings']);
});

test('what shoppers are surely seen to prefer may cost some agreement with categories, not all of it', () => {
  const sure = (structure: number, low: number): Gated => {
    const clicks = { ...precision(0.7), interval: { mean: 0.7, low, high: 0.9 } };
    return { ...measured(structure), clicks };
  };
  expect(red(sure(0.65, 0.61), measured(0.7, 0.6), 0)).toEqual([]);
  expect(red(sure(0.65, 0.59), measured(0.7, 0.6), 0)).toEqual(['catalog']); // it may be chance
  expect(red(sure(0.601, 0.61), measured(0.7, 0.6), 0)).toEqual([]); // ten points
  expect(red(sure(0.599, 0.61), measured(0.7, 0.6), 0)).toEqual(['catalog']);
  // The version that serves was not measured by clicks: a random order is what has to be beaten.
  expect(red(sure(0.65, 0.49), measured(0.7), 0)).toEqual(['catalog']);
  expect(red(sure(0.65, 0.51), measured(0.7), 0)).toEqual([]);
});

test('a shop of a few products that look alike is served, and the gate says that it saw nothing', () => {
  const few = { ...measured(0), structure: precision(0, 0), spread: null };
  const gates = qualityGates(few, null, 0);
  expect(gates.every(({ passed }) => passed)).toBe(true);
  expect(gates.flatMap(({ name, measured }) => (measured ? [name] : []))).toEqual(['complete']);
});

test('every gate says what was measured and what was asked', () => {
  const gates = qualityGates(measured(0.65), measured(0.7), 2);
  expect(gates.map(({ measured }) => measured)).toEqual([true, true, true, false, false, false]);
  expect(gates.map(({ reason }) => reason)).toEqual([
    '2 products have no vector',
    'mean squared distance of random pairs 2.000, at least 0.1',
    '65.0 % of 1000 held-out category triplets, at least 68.0 %',
    'not measured: 0 held-out click triplets, 50 needed',
    'not measured: 0 click triplets of the last days, 50 needed',
    'not measured: 0 held-out triplets of raters, 50 needed',
  ]);
});

test('precision counts triplets in the right order, a tie as a half, and leaves out products without a vector', () => {
  const vectors = new Map(
    Object.entries({ a: [1, 0], b: [0.8, 0.6], c: [0, 1], d: [0.8, 0.6] }).map(([id, v]) => [id, Float32Array.from(v)]),
  );
  const set = {
    productIds: ['a', 'b', 'c', 'd', 'gone'],
    categories: Int32Array.of(0, 0, 1, 1, 0),
    queries: Int32Array.of(0, 1, 2, 3, 4),
    structure: [
      { q: 0, p: 1, n: 2 }, // right
      { q: 0, p: 2, n: 1 }, // wrong
      { q: 0, p: 1, n: 3 }, // a tie
      { q: 2, p: 3, n: 0 }, // right
      { q: 0, p: 4, n: 1 }, // no vector
    ],
    clicks: [],
    later: [{ q: 1, p: 3, n: 0 }], // right
    ratings: [
      { q: 0, p: 1, n: 2 }, // right
      { q: 0, p: 2, n: 4 }, // no vector
    ],
  };
  const { structure, clicks, later, ratings, catalog } = measure(vectors, set);
  expect(later).toMatchObject({ triplets: 1, precision: 1 });
  expect(structure).toMatchObject({ triplets: 4, precision: 2.5 / 4 });
  expect(structure.interval).toMatchObject({ mean: 2.5 / 4 });
  expect(clicks).toEqual({ triplets: 0, precision: 0, interval: null });
  expect(ratings).toMatchObject({ triplets: 1, precision: 1 });
  // b and d lie together: b finds d before a, c finds b before d, d finds b and a before c.
  expect(catalog.similarityPrecision?.mean).toBe(2.5 / 4);
  expect(catalog.map?.mean).toBeCloseTo((1 + 1 / 2 + 1 / 2 + 1 / 3) / 4, 12);
  expect(catalog).toMatchObject({ coverage: 1, hubness: 0 });
  expect(measure(vectors, { ...set, categories: new Int32Array(5).fill(-1) }).catalog.map).toBeNull();
});
