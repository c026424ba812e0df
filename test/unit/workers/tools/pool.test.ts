import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makePool } from '../../../../workers/tools/pool.ts';

test('each thing serves one task at a time, in the order of asking, also after failures', async () => {
  const pool = makePool(['a', 'b']);
  const busy = new Set<string>();
  const started: number[] = [];
  const task = (n: number) => async (item: string) => {
    expect(busy).not.toContain(item);
    busy.add(item);
    started.push(n);
    await sleep(1);
    busy.delete(item);
    if (n % 3 === 0) throw new Error(`task ${n}`);
    return n;
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => pool.use(task(n))));
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([
    false,
    true,
    true,
    false,
    true,
    true,
    false,
    true,
    true,
  ]);
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('who aborts while waiting leaves the queue; the others are served', async () => {
  const pool = makePool([1]);
  const leaving = new AbortController();
  const first = pool.use(() => sleep(20));
  const second = pool.use(async () => 'second', leaving.signal);
  const third = pool.use(async () => 'third');
  leaving.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  await first;
  expect(await third).toBe('third');
  await expect(pool.use(async () => 1, leaving.signal)).rejects.toThrow('enough');
});

test('any number may wait under one signal, without a warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const pool = makePool([1]);
  const { signal } = new AbortController();
  expect(await Promise.all(Array.from({ length: 30 }, (_, n) => pool.use(async () => n, signal)))).toHaveLength(30);
  await sleep(1);
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
