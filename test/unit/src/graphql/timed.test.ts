import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { requestTimeLeft } from '../../../../src/deadline.ts';
import { timed } from '../../../../src/graphql/timed.ts';

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
