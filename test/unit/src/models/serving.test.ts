import { expect, test } from 'vitest';
import type { ServingPointer } from '../../../../src/db/models.ts';
import { startDeadline, timeLeft, within } from '../../../../src/deadline.ts';
import { makeServing } from '../../../../src/models/serving.ts';

const pointer = (number: number): ServingPointer => ({ modelId: `mdl_${number}`, number, epoch: number, spaces: [] });

/** A database whose reads are answered by hand, and a clock. */
function world() {
  const waiting: PromiseWithResolvers[] = [];
  const clock = { ms: 0 };
  const serving = makeServing(
    {
      serving: () =>
        new Promise((resolve, reject) => {
          waiting.push({ resolve, reject });
        }),
    },
    () => clock.ms,
  );
  const answer = (number: number) => waiting.shift()!.resolve(pointer(number));
  return { serving, clock, waiting, answer };
}
type PromiseWithResolvers = { resolve(pointer: ServingPointer): void; reject(error: Error): void };
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('whoever comes first waits for one read, together', async () => {
  const { serving, waiting, answer } = world();
  const both = [serving.current(), serving.current()];
  expect(waiting).toHaveLength(1);
  answer(1);
  expect(await Promise.all(both)).toEqual([pointer(1), pointer(1)]);
});

test('a pointer of a quarter of a second is read again beside the answers; one of a second is waited for', async () => {
  const { serving, clock, waiting, answer } = world();
  const first = serving.current();
  answer(1);
  await first;
  clock.ms = 249;
  await serving.current();
  expect(waiting).toHaveLength(0);
  clock.ms = 250;
  expect(await serving.current()).toEqual(pointer(1));
  expect(await serving.current()).toEqual(pointer(1));
  expect(waiting).toHaveLength(1);
  answer(2);
  await turn();
  expect(await serving.current()).toEqual(pointer(2));
  clock.ms = 1250;
  const waited = serving.current();
  answer(3);
  expect(await waited).toEqual(pointer(3));
});

test('a read that was under way when the pointer moved here is forgotten with the old one', async () => {
  const { serving, waiting, answer } = world();
  const old = serving.current();
  serving.forget();
  const fresh = serving.current();
  expect(waiting).toHaveLength(2);
  answer(1);
  answer(2);
  expect(await old).toEqual(pointer(1));
  expect(await fresh).toEqual(pointer(2));
  await turn();
  expect(await serving.current()).toEqual(pointer(2));
});

test('an outage is told to those who wait for the read, and the next ones ask anew', async () => {
  const { serving, clock, waiting, answer } = world();
  const first = serving.current();
  waiting.shift()!.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  const second = serving.current();
  answer(1);
  expect(await second).toEqual(pointer(1));
  clock.ms = 999;
  expect(await serving.current()).toEqual(pointer(1)); // the read beside it fails later
  waiting.shift()!.reject(new Error('away'));
  await turn();
  expect(await serving.current()).toEqual(pointer(1));
});

test('a read that others wait for as well goes on when the client whose request began it leaves, until its time is over', async () => {
  const client = new AbortController();
  const reads: unknown[] = [];
  const models = {
    serving: async () => {
      client.abort();
      reads.push(timeLeft()?.ms);
      return pointer(1);
    },
  };
  const deadline = startDeadline({ statementMs: 700, requestMs: 60_000 }, client.signal);
  const serving = makeServing(models, () => 0);
  expect(await within(deadline, () => serving.current())).toEqual(pointer(1));
  expect(reads).toEqual([700]);
});
