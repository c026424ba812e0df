import { expect, test } from 'vitest';
import { startDeadline, timeLeft, within } from '../../../src/deadline.ts';

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
