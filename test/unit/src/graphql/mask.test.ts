import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { makeFormatError } from '../../../../src/graphql/errors.ts';
import { masked } from '../../../../src/graphql/mask.ts';
import { fakeLog } from '../../../support/api.ts';

const secret = new Error('password is hunter2');

test('an unexpected error reaches the log under a request id, and the caller gets that id and nothing else', async () => {
  const { log, entries } = fakeLog();
  const tree = masked({ Query: { later: async () => Promise.reject(secret), now: () => { throw secret; } } }, log); // biome-ignore format: two ways to fail
  for (const resolve of [tree.Query.later, tree.Query.now]) {
    const error = await Promise.resolve().then(resolve).catch((e: unknown) => e as GraphQLError); // biome-ignore format: one step
    expect(error).toMatchObject({ extensions: { code: 'INTERNAL', retry: true, requestId: expect.any(String) } });
    expect((error as unknown as Error).message).not.toContain('hunter2');
    expect(entries.pop()).toMatchObject({
      level: 'error',
      facts: { err: secret, requestId: (error as unknown as GraphQLError).extensions.requestId },
    });
  }
});

test('errors that say what the caller did wrong pass untouched', async () => {
  const { log, entries } = fakeLog();
  const known = new SimiliError('CURSOR_INVALID');
  const tree = masked({ Query: { field: async () => Promise.reject(known) } }, log);
  await expect(tree.Query.field()).rejects.toMatchObject({ message: known.message, extensions: known.extensions });
  expect(entries).toEqual([]);
});

test('every answer carries code and retry; an error without a code is ours', () => {
  const { log, entries } = fakeLog();
  const format = makeFormatError(log);
  expect(format({ message: 'no', extensions: { code: 'BAD_USER_INPUT' } }, null).extensions).toEqual({
    code: 'BAD_USER_INPUT',
    retry: false,
  });
  expect(format({ message: 'x', extensions: { code: 'CURSOR_INVALID', retry: false } }, null).message).toBe('x');
  const ours = format(
    { message: 'password is hunter2', path: ['product'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    secret,
  );
  expect(ours).toMatchObject({ path: ['product'], extensions: { code: 'INTERNAL', retry: true } });
  const http = { status: 400, headers: new Map() };
  const callers = format({ message: 'no', extensions: { code: 'INTERNAL_SERVER_ERROR' } }, new GraphQLError('no', { extensions: { http } })); // biome-ignore format: one step
  expect(callers).toEqual({ message: 'no', extensions: { code: 'BAD_REQUEST', retry: false } });
  expect(JSON.stringify(ours)).not.toContain('hunter2');
  expect(entries).toHaveLength(1);
});
