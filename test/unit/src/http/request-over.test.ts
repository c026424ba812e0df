import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { clientLeft } from '../../../../src/http/client-left.ts';
import { makeLimits } from '../../../../src/http/limits.ts';
import { receivePicture } from '../../../../src/http/picture.ts';
import { whenOver } from '../../../../src/http/request-over.ts';
import { until } from '../../../support/until.ts';

const UNLIMITED = {
  SIMILI_TRUSTED_HOPS: 0,
  SIMILI_QUERY_RATE: 0,
  SIMILI_FEEDBACK_RATE: 0,
  SIMILI_PICTURE_RATE: 0,
  SIMILI_ADMIN_RATE: 0,
  SIMILI_WRONG_KEYS_PER_MINUTE: 0,
};
const limits = makeLimits(UNLIMITED, { info() {}, warn() {}, error() {} } as never, () => 0);
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
/** More than any of the bounds lets in at once. */
const MANY = 50;

/** A server of one handler. */
async function serving(handler: RequestHandler) {
  const server = express().use(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    socket.resume();
    return socket;
  };
}

/** Whether a handler lets a request go on. */
function letsIn(handler: RequestHandler, req: Request, res: Response): boolean {
  let isIn = false;
  handler(req, res, (error?: unknown) => {
    isIn = error === undefined;
  });
  return isIn;
}

test.each<[string, RequestHandler]>([
  ['pictures that are looked at', receivePicture({ look: async () => '', maxBytes: 1 })[1] as RequestHandler],
  ['pictures of an address', limits.sentPicture[1]!],
  ['requests with files of an address', limits.sentFiles[0]!],
  ['requests with files of all', limits.sentFiles[1]!],
])('of %s none is counted that was over before it came there, or behind another one', async (_what, bound) => {
  const held: [Request, Response][] = [];
  const open = await serving((req, res) => void held.push([req, res]));
  const pairs = (times: number) =>
    Promise.all(
      Array.from({ length: times }, async () => {
        const path = `/${randomUUID()}`;
        const socket = open();
        socket.write(get(path) + get(path));
        const [first, second] = await until(() => {
          const own = held.filter(([{ url }]) => url === path);
          return own.length === 2 && (own as [[Request, Response], [Request, Response]]);
        });
        return { first, second, socket };
      }),
    );
  const leave = async (those: Awaited<ReturnType<typeof pairs>>) => {
    for (const { socket } of those) socket.destroy();
    await until(() => those.every(({ first }) => first[1].closed));
  };
  const gone = await pairs(MANY);
  await leave(gone);
  for (const { first } of gone) letsIn(bound, ...first); // the end has been
  const behind = await pairs(MANY);
  for (const { second } of behind) letsIn(bound, ...second); // its answer waits for that of the first one
  await leave(behind);
  const [last] = await pairs(1);
  expect(letsIn(bound, ...last!.first)).toBe(true);
  last!.socket.destroy();
});

test('a client that leaves before the turn of its second request has left both', async () => {
  const signals: AbortSignal[] = [];
  const open = await serving((_req, res) => void signals.push(clientLeft(res)));
  const socket = open();
  socket.write(get('/') + get('/'));
  await until(() => signals.length === 2);
  socket.destroy();
  await until(() => signals.every(({ aborted }) => aborted));
});

test('a connection that is kept alive is told of each of its requests once', async () => {
  let ends = 0;
  const listeners: number[] = [];
  const open = await serving((req, res) => {
    whenOver(res, () => (ends += 1));
    listeners.push(req.socket.listeners('close').length);
    res.end();
  });
  const socket = open();
  for (let i = 1; i <= 5; i++) {
    socket.write(get('/'));
    await until(() => ends === i);
  }
  expect(new Set(listeners).size).toBe(1);
  socket.destroy();
  await sleep(20);
  expect(ends).toBe(5);
});
