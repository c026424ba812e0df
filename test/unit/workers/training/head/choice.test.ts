import { expect, test } from 'vitest';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import { gainOf, lookOf } from '../../../../../workers/training/head/choice.ts';

/** A hundred questions, one a product: `wins` of them answered by one head alone, `losses` by the other. */
const answers = (wins: number) => Array.from({ length: 100 }, (_, i) => [i < wins ? 1 : 0]);
const of = (structure: number, people: number) => ({
  structure: answers(structure),
  identity: [],
  people: answers(people),
});
const trust = { structure: 1, identity: 0, people: 0 };

test('a head serves for a gain of more than two standard errors', () => {
  const gain = (wins: number) => gainOf(of(wins, 0), of(0, 0), trust);
  // Three in a hundred are .03, with an error of .017; five are .05, with one of .022.
  expect([gain(3), gain(5)]).toEqual([0, 0.05]);
});

test('a head that is worse by one kind, by more than two standard errors, does not serve, however well it does elsewhere', () => {
  const gain = (losses: number) =>
    gainOf({ ...of(50, 0), identity: answers(0) }, { ...of(0, 0), identity: answers(losses) }, trust);
  expect([gain(3), gain(5)]).toEqual([0.5, 0]);
});

test('a head that people like less in the mean does not serve, however well it does by categories', () => {
  const gain = (losses: number) => gainOf(of(50, 1), of(0, losses), trust);
  expect([gain(0), gain(1), gain(2)]).toEqual([0.5, 0.5, 0]);
});

test('a head that is another one by chance alone is seldom taken for better, however few the products that are asked', () => {
  const random = makeRandom(11);
  for (const products of [1, 2, 3, 4, 5, 8, 12]) {
    let taken = 0;
    for (let world = 0; world < 2000; world++) {
      const [own, other] = [0, 1].map(() => ({
        structure: Array.from({ length: products }, () => [0.5 + 0.1 * random.gaussian()]),
        identity: [],
        people: [],
      }));
      if (gainOf(own!, other!, trust) > 0) taken++;
    }
    // Two standard errors: one in 44.
    expect(taken / 2000).toBeLessThan(0.036);
  }
});

test('a kind of question that is asked of three products or fewer decides nothing beside others', () => {
  const half = { structure: 0.5, identity: 0.5, people: 0 };
  const with3 = (wins: number, few: number) => ({
    structure: answers(wins),
    identity: Array(3).fill([few]),
    people: [],
  });
  expect(gainOf(with3(5, 0), with3(0, 0), half)).toBeCloseTo(0.025, 12);
  expect(gainOf(with3(3, 1), with3(0, 0), half)).toBe(0);
  expect(lookOf({ structure: [], identity: [[1], [0]], people: [] }, half)).toEqual({
    precision: 0.25,
    error: Number.POSITIVE_INFINITY,
  });
});
