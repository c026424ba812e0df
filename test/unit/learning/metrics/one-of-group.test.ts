import { expect, test } from 'vitest';
import { oneOfGroup } from '../../../../learning/metrics/one-of-group.ts';

/** Items 0 to 9: 1, 4 and 7 are one group, 2 and 5 another, 8 is one of its own. */
const groupOf = (item: number): number => [-1, 0, 1, -1, 0, 1, -1, 0, 2, -1][item]!;
const ranking = [7, 3, 5, 1, 0, 2, 8, 4, 9, 6];

test('of a group stands what ranks first, and whatever has no group stands for itself', () => {
  expect(oneOfGroup(ranking, groupOf, -1)).toEqual([7, 3, 5, 0, 8, 9, 6]);
});

test("nothing of the anchor's own group stands there, and what comes behind moves up", () => {
  expect(oneOfGroup(ranking, groupOf, 0)).toEqual([3, 5, 0, 8, 9, 6]);
  expect(oneOfGroup(ranking, groupOf, 0, 4)).toEqual([3, 5, 0, 8]);
});
