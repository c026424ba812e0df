import { expect, test } from 'vitest';
import { decide } from '../../../../workers/distributed/gather.ts';

/** Two shards that are thought to take 10 s each: patience is 25 s. */
const expected = { members: 2, expectedMs: 10_000 };
const shard = (member: number, takenMs: number, reportedMs: number | null = null) => ({ member, takenMs, reportedMs });
const after = (openedMs: number, shards: ReturnType<typeof shard>[], settled = false) =>
  decide({ openedMs, settled, shards }, expected);

test('a round closes when all have reported, however late', () => {
  expect(after(12_000, [shard(0, 11_000, 1000), shard(1, 11_900, 10)])).toBe('close');
  expect(after(900_000, [shard(0, 11_000, 1000), shard(1, 800_000, 10)])).toBe('close');
});

test('a member that was lost costs its shard after twice the time it should take and a little', () => {
  const lost = (ms: number) => after(ms + 100, [shard(0, ms, ms - 10_000), shard(1, ms)]);
  expect(lost(24_000)).toBe('wait');
  expect(lost(26_000)).toBe('close');
});

test('one worker takes one shard after the other, and is waited for', () => {
  expect(after(29_000, [shard(0, 29_000, 1000)])).toBe('wait');
  expect(after(39_000, [shard(0, 39_000, 20_000), shard(1, 19_000)])).toBe('wait');
});

test('a shard whose message was given up is not waited for', () => {
  expect(after(11_000, [shard(0, 11_000, 1000)], true)).toBe('close');
});

test('where nobody takes shards the coordinator trains them itself', () => {
  expect(after(2000, [])).toBe('wait');
  expect(after(3100, [])).toEqual({ train: 0 });
  expect(after(14_000, [shard(0, 10_000, 3100)])).toEqual({ train: 1 });
});

test('where every message was given up, and where every member was lost, the coordinator trains a shard itself', () => {
  expect(after(500, [], true)).toEqual({ train: 0 });
  expect(after(30_000, [shard(0, 26_000), shard(1, 26_000)])).toEqual({ train: 0 });
});
