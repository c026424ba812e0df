import { expect, test } from 'vitest';
import { z } from 'zod';
import { checkCount, checked } from '../../../src/checked.ts';
import { listOf, oneOf, pageSize, within } from '../../../src/shapes.ts';

const refusal = (argument: string, why: string) => expect.objectContaining({ facts: { argument, why } });
const page = pageSize(50, 12);

test('the size of a page is what was asked for, the usual one, or refused', () => {
  expect([1, 50, null, undefined].map((first) => checked(page, first, 'first'))).toEqual([1, 50, 12, 12]);
  for (const first of [0, 51, -1, Number.NaN])
    expect(() => checked(page, first, 'first')).toThrow(refusal('first', `must be 1 to 50, not ${first}`));
  expect(() => checked(page, 2.5, 'first')).toThrow(refusal('first', 'must be a whole number, not 2.5'));
});

test('what is wrong first is told by its path', () => {
  const shape = z.object({ share: within(0, 1), names: listOf(z.string().refine(...oneOf(['a', 'b'])), 2, 1) });
  const of = (value: unknown, at?: string) => () => checked(shape, value, at);
  expect(of({ share: 0.5, names: ['b'] })()).toEqual({ share: 0.5, names: ['b'] });
  expect(of({ share: 2, names: [] })).toThrow(refusal('share', 'must be 0 to 1, not 2'));
  expect(of({ share: 1, names: [] }, 'input')).toThrow(refusal('input.names', 'must hold 1 to 2 entries, not 0'));
  expect(of({ share: 1, names: ['a', 'c'] })).toThrow(refusal('names.1', 'must be one of a, b'));
});

test('a call brings at least one entry, and no more than it may', () => {
  expect(() => checkCount('ids', ['a', 'b'], 2)).not.toThrow();
  expect(() => checkCount('ids', [], 2)).toThrow(refusal('ids', 'must hold 1 to 2 entries, not 0'));
  expect(() => checkCount('ids', [1, 2, 3], 2)).toThrow(refusal('ids', 'must hold 1 to 2 entries, not 3'));
});
