import { expect, test } from 'vitest';
import { prefetched } from '../../../../workers/tools/prefetch.ts';

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
/** All that waits for nothing but promises is done: they go before whatever an event loop does next. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const double = async (value: number) => 2 * value;

test('what is made of all values comes, in order, and exactly two are on their way beside the one in use', async () => {
  const { seen, source } = numbers(5);
  const got: number[] = [];
  for await (const value of prefetched(source, double)) {
    got.push(value);
    await settled();
    expect(seen.begun).toEqual([0, 1, 2, 3, 4].slice(0, value / 2 + 3));
  }
  expect(got).toEqual([0, 2, 4, 6, 8]);
});

test('two are made side by side', async () => {
  const ends: (() => void)[] = [];
  const values = prefetched(numbers(2).source, (value) => new Promise<number>((end) => ends.push(() => end(value))));
  const both = [values.next(), values.next(), values.next()];
  await settled();
  expect(ends).toHaveLength(2);
  for (const end of ends.reverse()) end();
  expect((await Promise.all(both)).map(({ value }) => value)).toEqual([0, 1, undefined]);
});

test.each(['the source', 'the making'])('a failure of %s comes after all values before it', async (where) => {
  const { seen, source } = numbers(4, where === 'the source' ? 2 : -1);
  const make = async (value: number) => {
    if (value === 2) throw new Error('no 2');
    return value;
  };
  const got: number[] = [];
  const run = async () => {
    for await (const value of prefetched(source, make)) {
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
  for await (const value of prefetched(source, double)) if (value === 0) break;
  expect(seen).toEqual({ begun: [0, 1], ended: true });
});
