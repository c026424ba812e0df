import { once } from 'node:events';
import { type AddressInfo, connect, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type RequestHandler, type Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../../src/config.ts';
import { bornFor, listen } from '../../../../src/http/connections.ts';
import { until } from '../../../support/until.ts';

test('requests and answers are born with what Express would give them, so that it gives them no other prototype', () => {
  const app = express();
  const { IncomingMessage, ServerResponse } = bornFor(app);
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  expect(Object.getPrototypeOf(req)).toBe(app.request);
  expect(Object.getPrototypeOf(res)).toBe(app.response);
  expect(app.request).toMatchObject({ app });
  expect(app.response).toMatchObject({ app });
  expect(res).toMatchObject({ status: expect.any(Function), json: expect.any(Function), end: expect.any(Function) });
});

/** A connection to a server of one handler. */
async function connected(handler: RequestHandler, receiveSeconds = '15'): Promise<Socket> {
  const app = express().use(express.text(), handler);
  const server = await listen(app, loadConfig({ PORT: '0', SIMILI_RECEIVE_SECONDS: receiveSeconds }));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
    server.close().closeAllConnections();
  });
  await once(socket, 'connect');
  return socket;
}

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const post = (body: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
/** More than the machines of both sides hold of an answer that nobody reads. */
const LONG = Buffer.alloc(32 * 2 ** 20);

test('requests behind one another on a connection are worked on one by one, and answered in their order', async () => {
  let inside = 0;
  let most = 0;
  const socket = await connected(async (req, res) => {
    most = Math.max(most, ++inside);
    await sleep(5);
    inside -= 1;
    res.send(`${req.url} ${typeof req.body === 'string' ? req.body.length : 'nothing'};`);
  });
  const long = 'x'.repeat(90_000);
  socket.write(get('/1') + post('abc') + post(long) + get('/2') + get('/3', 'Connection: close\r\n'));
  const bodies = (await text(socket)).match(/\/\d? [^;]+;/g);
  expect(bodies).toEqual(['/1 nothing;', '/ 3;', '/ 90000;', '/2 nothing;', '/3 nothing;']);
  expect(most).toBe(1);
});

test('a connection that sends a crowd ahead of its answers is closed, and most of it is not worked on', async () => {
  let asked = 0;
  const socket = await connected(async (_req, res) => {
    asked += 1;
    await sleep(5);
    res.send('x');
  });
  socket.resume().write(get('/').repeat(500));
  await once(socket, 'close');
  await sleep(50);
  expect(asked).toBeLessThanOrEqual(17);
});

test.each<[string, (res: Response) => void]>([
  ['an answer', (res) => res.send(LONG)],
  ['an answer that took longer to make', (res) => void setTimeout(() => res.send(LONG), 1500)],
  [
    'events',
    (res) => {
      const every = setInterval(() => res.write(LONG.subarray(0, 2 ** 20)), 20);
      res.once('close', () => clearInterval(every));
    },
  ],
])('a connection that takes nothing of %s is closed', async (_what, answer) => {
  const given: Response[] = [];
  const socket = await connected((_req, res) => {
    given.push(res);
    answer(res);
  }, '0.5');
  socket.pause().write(get('/'));
  await until(() => given[0]?.closed); // never would be, as nothing is read
});

test('one that takes an answer slowly has all of it, and one whose answer takes long is not closed', async () => {
  const slow = await connected((_req, res) => void res.send(LONG), '2');
  slow.write(get('/', 'Connection: close\r\n'));
  let taken = 0;
  for await (const chunk of slow) {
    taken += chunk.length;
    await sleep(taken < 60 * 65_536 ? 50 : 0);
  }
  expect(taken).toBeGreaterThan(LONG.length);
  const late = await connected((_req, res) => void setTimeout(() => res.send('late'), 1500), '0.3');
  late.write(get('/', 'Connection: close\r\n'));
  expect(await text(late)).toMatch(/late$/);
});
