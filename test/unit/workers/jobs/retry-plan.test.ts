import { expect, test } from 'vitest';
import { retryDelay } from '../../../../workers/jobs/retry-plan.ts';

test('a picture is tried again for a day and a half, ever more rarely, and never before its host wants it', () => {
  const delays = Array.from({ length: 14 }, (_, i) => retryDelay(i + 1));
  expect(delays).toEqual([2, 4, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 21_600, 21_600, null]);
  expect(delays.reduce<number>((sum, delay) => sum + (delay ?? 0), 0)).toBeGreaterThan(20 * 3600);
  expect(retryDelay(1, 3600)).toBe(3600);
  expect(retryDelay(10, 60)).toBe(7680);
  expect(retryDelay(14, 60)).toBeNull();
});
