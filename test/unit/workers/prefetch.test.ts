import { expect, test } from 'vitest';
import { prefetched } from '../../../workers/prefetch.ts';

/** 0, 1, 2 … ; tells what was begun and whether it was ended. `failing`: the one that throws. */
function numbers(count: number, failing = -1) {
  const seen = { begun: [] as number[], ended: false };
  async function* run() {
    try {
      for (let i = 0; i < count; i++) {
        seen.begun.push(i);
        await Promise.resolve();
        if (i === failing) throw new Error(`no ${i}`);
        yield i;
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, source: run() };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test('all values come, in order, and exactly one is made ahead of the one in use', async () => {
  const { seen, source } = numbers(4);
  const got: number[] = [];
  for await (const value of prefetched(source)) {
    got.push(value);
    await settled();
    expect(seen.begun).toEqual([0, 1, 2, 3].slice(0, value + 2));
  }
  expect(got).toEqual([0, 1, 2, 3]);
});

test('a failure comes after all values before it', async () => {
  const { seen, source } = numbers(4, 2);
  const got: number[] = [];
  const run = async () => {
    for await (const value of prefetched(source)) {
      got.push(value);
      await settled();
    }
  };
  await expect(run()).rejects.toThrow('no 2');
  expect(got).toEqual([0, 1]);
  expect(seen.ended).toBe(true);
});

test('a consumer that stops waits for what is on its way, ends the source, and hears of no failure in it', async () => {
  const { seen, source } = numbers(4, 1);
  for await (const value of prefetched(source)) if (value === 0) break;
  expect(seen).toEqual({ begun: [0, 1], ended: true });
});
