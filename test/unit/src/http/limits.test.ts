import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler, type Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { makeLimits } from '../../../../src/http/limits.ts';
import { until } from '../../../support/until.ts';

const SETTINGS = {
  SIMILI_TRUSTED_HOPS: 1,
  SIMILI_QUERY_RATE: 0,
  SIMILI_FEEDBACK_RATE: 0,
  SIMILI_PICTURE_RATE: 0,
  SIMILI_ADMIN_RATE: 0,
  SIMILI_WRONG_KEYS_PER_MINUTE: 0,
};
const log = { info() {}, warn() {}, error() {} } as never;

/** A server that answers nobody, and who it holds. */
async function holding(handlers: RequestHandler[]) {
  const held: Response[] = [];
  const app = express().set('trust proxy', 1);
  app.post('/', ...handlers, (_req, res) => void held.push(res));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { held, send: (from: string) => fetch(url, { method: 'POST', headers: { 'x-forwarded-for': from } }) };
}

test('an address that sends pictures slowly has four at once under way, and keeps no other one waiting', async () => {
  const { held, send } = await holding(makeLimits(SETTINGS, log, () => 0).sentPicture);
  const four = Array.from({ length: 4 }, () => send('192.0.2.1'));
  await until(async () => held.length === 4);
  const fifth = await send('192.0.2.1');
  expect([fifth.status, fifth.headers.get('retry-after')]).toEqual([429, '2']);
  expect(await fifth.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
  const other = send('198.51.100.1');
  await until(async () => held.length === 5);
  for (const res of held) res.end();
  expect((await Promise.all([...four, other])).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const again = send('192.0.2.1'); // what is over counts no more
  await until(async () => held.length === 6);
  held[5]!.end();
  expect((await again).status).toBe(200);
});

test('of requests with files an address has four under way, and all together eight', async () => {
  const { held, send } = await holding(makeLimits(SETTINGS, log, () => 0).sentFiles);
  const many = ['192.0.2.1', '198.51.100.1'].flatMap((from) => Array.from({ length: 4 }, () => send(from)));
  await until(async () => held.length === 8);
  for (const from of ['192.0.2.1', '203.0.113.1']) expect((await send(from)).status).toBe(429);
  for (const res of held) res.end();
  expect((await Promise.all(many)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  void send('203.0.113.1').catch(() => {});
  await until(async () => held.length === 9);
  held[8]!.end();
});
