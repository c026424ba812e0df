import { expect, test } from 'vitest';
import { remembered, sparingly, sparinglyFrom } from '../../../src/remembered.ts';

/** A question whose n-th answer is n, by a clock that is moved by hand. */
function world() {
  const state = { now: 0, asked: 0, takes: 0, fails: false };
  const count = remembered(
    async () => {
      state.asked += 1;
      await Promise.resolve();
      state.now += state.takes;
      if (state.fails) throw new Error('away');
      return state.asked;
    },
    sparingly,
    () => state.now,
  );
  return { state, count };
}

test('an answer that came within 10 ms is asked for each time', async () => {
  const { state, count } = world();
  state.takes = 9;
  expect([await count(), await count()]).toEqual([1, 2]);
});

test('one that took longer is given again for twenty times as long', async () => {
  const { state, count } = world();
  state.takes = 50;
  expect(await count()).toBe(1);
  state.now += 999;
  expect(await count()).toBe(1);
  state.now += 1;
  expect(await count()).toBe(2);
});

test('those who ask at once share one', async () => {
  const { state, count } = world();
  expect(await Promise.all([count(), count(), count()])).toEqual([1, 1, 1]);
  expect(state.asked).toBe(1);
});

test('a failure is told to those who waited for it, and not again', async () => {
  const { state, count } = world();
  Object.assign(state, { takes: 50, fails: true });
  const both = await Promise.allSettled([count(), count()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  state.fails = false;
  expect(await count()).toBe(2);
});

test('an answer may last for a time at least, and for twenty times as long as it took where that is more', () => {
  const lasts = sparinglyFrom(10_000);
  expect([5, 400, 500, 3000].map(lasts)).toEqual([10_000, 10_000, 10_000, 60_000]);
});
