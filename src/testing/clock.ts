import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, checkClock } from '../ports/clock.ts';
import type { Check } from './check.ts';

/** Checks of a clock. */
export const clockContract = (clock: Clock): Check[] => [
  { title: 'is described well: a function now that gives a Date', run: async () => checkClock(clock) },
  {
    title: 'never goes back',
    async run() {
      let last = clock.now();
      for (let i = 0; i < 1000; i++) {
        if (i % 250 === 0) await sleep(1);
        const next = clock.now();
        assert.ok(next >= last, `${next.toISOString()} after ${last.toISOString()}`);
        last = next;
      }
    },
  },
  {
    title: 'gives a time of its own each time, which nobody else holds',
    async run() {
      const time = clock.now().getTime();
      clock.now().setTime(0);
      assert.ok(clock.now().getTime() >= time);
    },
  },
];
