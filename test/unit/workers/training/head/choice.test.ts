import { expect, test } from 'vitest';
import { gainOf } from '../../../../../workers/training/head/choice.ts';

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
