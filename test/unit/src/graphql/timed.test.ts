import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Deadline, during, requestTimeLeft } from '../../../../src/deadline.ts';
import { handsOn, timed } from '../../../../src/graphql/timed.ts';

const info = (operation: string) => ({ operation: { operation } });
const patience = { statementMs: 1000, requestMs: 20 };

test('all fields of one answer share one deadline, another request has its own, a subscription none', async () => {
  const { field } = timed({ field: async (..._args: unknown[]) => requestTimeLeft() }, patience);
  const context = {};
  expect(await field({}, {}, context, info('query'))).not.toBeNull();
  await sleep(30);
  const EXCEEDED = expect.objectContaining({ code: 'DEADLINE_EXCEEDED', retry: true });
  await expect(field({}, {}, context, info('query'))).rejects.toEqual(EXCEEDED);
  await expect(field({ id: 'a reference' }, context, info('query'))).rejects.toEqual(EXCEEDED);
  expect(await field({}, {}, {}, info('mutation'))).not.toBeNull();
  expect(await field({}, {}, context, info('subscription'))).toBeNull();
});

test('what a resolver awaits is under its deadline, and nothing else is', async () => {
  const { field } = timed(
    {
      field: async (..._args: unknown[]) => {
        await sleep(1);
        return requestTimeLeft()?.ms;
      },
    },
    { statementMs: 1000, requestMs: 60_000 },
  );
  const asked = field({}, {}, {}, info('query'));
  expect(requestTimeLeft()).toBeNull();
  expect(await asked).toBeGreaterThan(1000);
});

test('a query ends with its client, where the context tells of it; a mutation and a subscription do not', async () => {
  const { field } = timed(
    { field: async (..._args: unknown[]) => requestTimeLeft()?.ms },
    { ...patience, requestMs: 60_000 },
  );
  const left = () => ({ clientLeft: AbortSignal.abort() });
  await expect(field({}, {}, left(), info('query'))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(await field({}, {}, left(), info('mutation'))).toBeGreaterThan(1000);
  expect(await field({}, {}, left(), info('subscription'))).toBeUndefined();
  expect(await field({}, {}, { clientLeft: true }, info('query'))).toBeGreaterThan(1000);
});

test('a resolver that hands its deadline on is given the one of its request, and what it awaits is not followed', async () => {
  const given: (Deadline | null)[] = [];
  const { field, other } = timed(
    {
      field: handsOn(
        async (_root: unknown, _args: unknown, _context: object, _info: object, deadline: Deadline | null) => {
          given.push(deadline);
          const before = requestTimeLeft();
          await sleep(1);
          return [before, requestTimeLeft(), during(deadline, requestTimeLeft)?.ms ?? null];
        },
      ),
      other: async (..._args: unknown[]) => requestTimeLeft()?.ms,
    },
    { statementMs: 1000, requestMs: 60_000 },
  );
  const context = {};
  expect(await field({}, {}, context, info('query'))).toEqual([null, null, expect.any(Number)]);
  await field({}, {}, context, info('query'));
  expect(given[0]).not.toBeNull();
  expect(given[1]).toBe(given[0]);
  expect(await other({}, {}, context, info('query'))).toBeLessThanOrEqual(given[0]!.endsAt - performance.now() + 5);
  expect(await field({}, {}, {}, info('subscription'))).toEqual([null, null, null]);
  expect(given.at(-1)).toBeNull();
});

test('a resolver that takes no context has nothing to ask by: it stays as it is', () => {
  const map = { Product: { price: (_product: unknown) => 1, title: (_product: unknown, _args: unknown) => 'x' } };
  const same = timed(map, patience);
  expect(same.Product.price).toBe(map.Product.price);
  expect(same.Product.title).toBe(map.Product.title);
});
