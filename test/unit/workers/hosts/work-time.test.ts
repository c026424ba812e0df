import { expect, test } from 'vitest';
import { limitWork, type Work } from '../../../../workers/hosts/work-time.ts';

/** A clock that only the test moves; the process works `share` of the time. */
function machine(share: number | null) {
  let at = 0;
  let next: { at: number; look: () => void } | null = null;
  const work: Work = {
    now: () => at,
    usedMs: () => (share === null ? null : 500 + share * at),
    after(ms, look) {
      next = { at: at + ms, look };
      return () => {
        next = null;
      };
    },
  };
  /** Until nothing is waited for. @returns milliseconds that have passed. */
  const run = () => {
    for (let due = next; due; due = next) {
      at = due.at;
      next = null;
      due.look();
    }
    return at;
  };
  return { work, run };
}

test.each([
  ['works all the time', 1, 1000],
  ['works with two threads', 2, 1000],
  ['gets half a processor', 0.5, 2000],
  ['gets a quarter of one', 0.25, 4000],
  ['hardly gets any', 0.01, 4000],
  ['sleeps', 0, 4000],
  ['tells nothing of its work', null, 1000],
])('a process that %s is given up once its time is over', (_, share, ms) => {
  const { work, run } = machine(share);
  let over = 0;
  limitWork(7, 1000, () => over++, work);
  const passed = run();
  expect(passed).toBeGreaterThanOrEqual(ms);
  expect(passed).toBeLessThanOrEqual(ms + 50);
  expect(over).toBe(1);
});

test('nothing comes after the end of the watch', () => {
  const { work, run } = machine(1);
  let over = 0;
  limitWork(7, 1000, () => over++, work)();
  expect([run(), over]).toEqual([0, 0]);
});
