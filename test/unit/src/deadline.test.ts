import { expect, test } from 'vitest';
import { inTime, startDeadline, timeLeft, whoeverLeaves, within } from '../../../src/deadline.ts';

const deadline = () => startDeadline({ statementMs: 700, requestMs: 60_000 });

test('a query that begins only when it is awaited, as those of Prisma do, is under the deadline in which it was made', async () => {
  // biome-ignore lint/suspicious/noThenProperty: that is what a lazy query is
  const lazy = (): PromiseLike<unknown> => ({ then: (resolve) => Promise.resolve(timeLeft()).then(resolve) });
  expect(await within(deadline(), lazy)).toMatchObject({ ms: 700 });
  expect(await lazy()).toBeNull();
});

test('what is no promise passes as it is', () => {
  expect([null, undefined, 0, 'x'].map((value) => within(deadline(), () => value))).toEqual([null, undefined, 0, 'x']);
});

test('a deadline ends when its client leaves: what is on its way is given up, and nothing else is begun but what does not ask', async () => {
  const client = new AbortController();
  const left = startDeadline({ statementMs: 700, requestMs: 60_000 }, client.signal);
  const given: string[] = [];
  const never = within(left, () => inTime(new Promise(() => {}), timeLeft(), () => given.push('up')));
  expect(given).toEqual([]);
  client.abort();
  const GONE = { code: 'DEADLINE_EXCEEDED', retry: true };
  await expect(never).rejects.toMatchObject(GONE);
  expect(given).toEqual(['up']);
  expect(() => within(left, timeLeft)).toThrow(expect.objectContaining(GONE));
  expect(within(left, () => whoeverLeaves(timeLeft))?.ms).toBe(700);
});
