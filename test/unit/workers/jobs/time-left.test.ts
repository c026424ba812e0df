import { expect, test } from 'vitest';
import { timeLeft } from '../../../../workers/jobs/time-left.ts';

test('the time left follows from what was added since the first share that was told', () => {
  let now = 5000;
  const left = timeLeft(() => now);
  expect(left(0.4)).toBeNull(); // of a build that somebody else began
  now += 10_000;
  expect(left(0.4)).toBeNull();
  expect(left(0.5)).toBe(50);
  now += 10_000;
  expect(left(0.8)).toBe(10);
  expect(left(1)).toBe(0);
});
