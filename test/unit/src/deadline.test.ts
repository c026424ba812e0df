import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { asNow, during, inTime, startDeadline, timeLeft, whoeverLeaves, within } from '../../../src/deadline.ts';

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
  await expect(never).rejects.toMatchObject({ ...GONE, message: expect.stringMatching(/ within [\d.]{1,7} s, /) });
  expect(given).toEqual(['up']);
  expect(() => within(left, timeLeft)).toThrow(expect.objectContaining(GONE));
  expect(within(left, () => whoeverLeaves(timeLeft))?.ms).toBe(700);
});

test('a deadline that is handed on counts at once, before one that is followed, and for nothing that is asked behind a wait', async () => {
  const handedOn = startDeadline({ statementMs: 300, requestMs: 60_000 });
  const ask = async () => {
    const first = timeLeft()?.ms;
    await sleep(1);
    return [first, timeLeft()?.ms];
  };
  expect(await during(handedOn, ask)).toEqual([300, undefined]);
  expect(await within(deadline(), () => during(handedOn, ask))).toEqual([300, 700]);
  expect(await within(deadline(), () => during(null, ask))).toEqual([700, 700]);
  expect(await during(handedOn, () => within(deadline(), ask))).toEqual([700, 700]);
  expect(() =>
    during(handedOn, () => {
      throw new Error('refused');
    }),
  ).toThrow('refused');
  expect(timeLeft()).toBeNull();
});

test('what is asked later is under the deadline of before, whichever way it came', async () => {
  const later = async (): Promise<number | undefined> => {
    const inItsTime = asNow<number | undefined>();
    await sleep(1);
    return inItsTime(() => timeLeft()?.ms);
  };
  const handedOn = startDeadline({ statementMs: 300, requestMs: 60_000 });
  expect(await during(handedOn, later)).toBe(300);
  expect(await within(deadline(), later)).toBe(700);
  expect(await later()).toBeUndefined();
  expect(await during(handedOn, () => whoeverLeaves(later))).toBe(300);
  expect(await whoeverLeaves(later, handedOn)).toBe(300);
});

test('what others wait for as well has the time of a request that begins now', async () => {
  const over = { ...deadline(), endsAt: performance.now() - 1 };
  expect(() => within(over, timeLeft)).toThrow(expect.objectContaining({ code: 'DEADLINE_EXCEEDED' }));
  expect(within(over, () => whoeverLeaves(timeLeft))?.ms).toBe(700);
  expect(whoeverLeaves(timeLeft, over)?.ms).toBe(700);
});

test('work that ends takes nobody else off its deadline: each is followed until its own end', async () => {
  const after = async (ms: number) => {
    await sleep(ms);
    return timeLeft()?.ms;
  };
  const slow = within(deadline(), () => after(40));
  expect(await within(deadline(), () => after(5))).toBe(700);
  expect(() =>
    within(deadline(), () => {
      throw new Error('refused');
    }),
  ).toThrow('refused');
  await within(deadline(), () => Promise.reject(new Error('refused'))).catch(() => {});
  expect(within(deadline(), () => timeLeft()?.ms)).toBe(700);
  expect(await slow).toBe(700);
  expect(timeLeft()).toBeNull();
  expect(await within(deadline(), () => after(1))).toBe(700);
});
