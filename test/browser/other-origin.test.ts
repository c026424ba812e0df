// @module-tag chromium
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

let browser: Browser;
let api: TestApi;
/** Empty pages of two other origins: one that is allowed, one that is not. */
let allowed: Server;
let foreign: Server;

async function servePage(): Promise<Server> {
  const server = createServer((_req, res) => res.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  [browser, allowed, foreign] = await Promise.all([openBrowser(), servePage(), servePage()]);
  api = await testApi({ SIMILI_CORS_ORIGINS: `${originOf(allowed)}/` });
  await addProducts(api.database, [{ id: 'a' }, { id: 'b' }]);
  await addModel(api.database, { a: [1, 0], b: [1, 0.1] });
}, 60_000);
afterAll(async () => {
  await browser.close();
  for (const server of [allowed, foreign]) server.close();
  await api[Symbol.asyncDispose]();
});

test('a page of an allowed origin may send what tracers and clients add to its requests', async () => {
  const page = await browser.newPage();
  await page.goto(originOf(allowed));
  const statusWith = (headers: Record<string, string>) =>
    page.evaluate(
      `fetch('${api.server.url}/graphql', { method: 'POST', body: '{"query":"{__typename}"}',
        headers: ${JSON.stringify({ 'content-type': 'application/json', ...headers })} }).then((r) => r.status, String)`,
    );
  expect(await statusWith({ 'apollographql-client-name': 'shop', 'apollographql-client-version': '1' })).toBe(200);
  expect(await statusWith({ traceparent: '00-1', tracestate: 'a=b', baggage: 'a=b', 'sentry-trace': '1-1' })).toBe(200);
  expect(await statusWith({ 'x-datadog-trace-id': '1' })).toBe(200);
  expect(await statusWith({ authorization: 'Bearer key' })).toMatch(/TypeError/);
  await page.close();
}, 60_000);

test('a beacon from a page of an allowed origin is stored, one from a foreign page is not', async () => {
  const { recommendationId } = (await api.shop('{ similarItems(id: "a") { recommendationId } }')).data.similarItems;
  const stored = () => api.database.storage.prisma.feedbackEvent.findMany();
  const beacon = async (server: Server, itemId: string) => {
    const event = { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId };
    const body = JSON.stringify({ visitor: { id: 'visitor' }, events: [{ click: event }] });
    const page = await browser.newPage();
    await page.goto(originOf(server));
    const answered = page.waitForEvent('requestfinished', (request) => request.url().endsWith('/feedback'));
    expect(await page.evaluate(`navigator.sendBeacon('${api.server.url}/feedback', ${JSON.stringify(body)})`)).toBe(
      true,
    );
    const status = (await (await answered).response())?.status();
    await page.close();
    return status;
  };
  expect(await beacon(foreign, 'b')).toBe(403);
  expect(await stored()).toEqual([]);
  expect(await beacon(allowed, 'b')).toBe(200);
  expect(await stored()).toMatchObject([{ kind: 'CLICK', itemIds: ['b'], visitorId: 'visitor' }]);
}, 60_000);
