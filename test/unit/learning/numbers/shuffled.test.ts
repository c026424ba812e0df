import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { shuffled } from '../../../../learning/numbers/shuffled.ts';

test('every order of three is as likely, and what is shuffled stays as it is', () => {
  const random = makeRandom(5);
  const values = [1, 2, 3];
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(values, random).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(values).toEqual([1, 2, 3]);
  expect(counts.size).toBe(6);
  // Four standard deviations of a binomial of 6000 and 1/6.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(1000 * (5 / 6)));
});
