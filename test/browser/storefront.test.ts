// @module-tag chromium
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { driveViews } from '../support/page-views.ts';
import { openStorefront, type Storefront } from '../support/storefront.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A page of React with a list on it, as a shop would write it. */
const REACT_PAGE = `
import { SimiliClient } from '@simili/client';
import { SimilarItems, useSimilarItems } from '@simili/react';
import { StrictMode, createElement as h } from 'react';
import { createRoot } from 'react-dom/client';
const client = new SimiliClient({ url: API });
function Similar({ id }) {
  const { list, seen, click, dismiss } = useSimilarItems(client, id, { first: 2 });
  return h('ul', null, list?.nodes.map((product) => h('li', { key: product.id, ref: seen(product.id) },
    h('a', { href: '#' + product.id, onClick: () => click(product.id) }, product.title ?? product.id),
    h('button', { onClick: () => dismiss(product.id) }, 'No'))));
}
const shop = createRoot(document.body.appendChild(document.createElement('main')));
globalThis.show = (id) => shop.render(h(StrictMode, null, id && h(Similar, { id })));
const listOf = (product) => h(SimilarItems, { client: API, product, options: { first: 2 }, 'aria-label': 'Alike' },
  ({ id, title }, click) => h('a', { href: '#' + id, onClick: click }, title ?? id));
globalThis.showLists = (...ids) => shop.render(h(StrictMode, null, ids.map((id) => h('div', { key: id }, listOf(id)))));
globalThis.show('a');`;

let browser: Browser;
let shop: Storefront;
let reactPage: string;
let context: BrowserContext;
let page: Page;
const problems: string[] = [];

/** Pages of the shop besides the one of openStorefront. */
const filesOf = (api: string): Record<string, string> => ({
  '/element.html':
    `<!doctype html><html lang="de"><link rel="icon" href="data:,"><script type="module" src="${api}/client.js"></script>` +
    '<simili-similar-items product="a" first="2" heading="Ähnliches" href="#{id}" dismiss="Nicht so" placement="cart"></simili-similar-items>',
  '/wishes.html':
    `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${api}/client.js"></script>` +
    '<simili-similar-items product="a" available distinct-pictures fallback="category" placement="cart"></simili-similar-items>',
  '/denied.html':
    `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${api}/client.js"></script>` +
    '<simili-similar-items product="a" href="#{id}" consent="denied"></simili-similar-items>',
  '/bare.html': '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/bare.js"></script>',
  '/bare.js': `import { SimiliClient } from '${api}/client.js'; globalThis.client = new SimiliClient({ url: '${api}' });`,
  '/react.html': '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/react.js"></script>',
  '/react.js': `const API = '${api}';${reactPage}`,
});

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: REACT_PAGE, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    alias: { '@simili/client': `${root}/client/index.ts`, '@simili/react': `${root}/hooks/index.ts` },
    define: { 'process.env.NODE_ENV': '"development"' }, // StrictMode does everything twice
    write: false,
    logLevel: 'silent',
  });
  reactPage = outputFiles[0]!.text;
  [browser, shop] = await Promise.all([openBrowser(), openStorefront(filesOf)]);
});
afterAll(async () => {
  await browser.close();
  await shop[Symbol.asyncDispose]();
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  problems.length = 0;
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await shop.api.database.storage.prisma.feedbackEvent.deleteMany();
});
afterEach(() => context.close());

const stored = async () => {
  const rows = await shop.api.database.storage.prisma.feedbackEvent.findMany({ orderBy: { occurredAt: 'asc' } });
  return rows.map(({ kind, itemIds }) => `${kind} ${itemIds.toSorted()}`).sort();
};
const keysOfStorage = () => page.evaluate('Object.keys(localStorage)') as Promise<string[]>;

test('a page of an allowed origin may send what tracers and clients add to its requests', async () => {
  await page.goto(`${shop.url}/`);
  const statusWith = (headers: Record<string, string>) =>
    page.evaluate(
      `fetch('${shop.api.server.url}/graphql', { method: 'POST', body: '{"query":"{__typename}"}',
        headers: ${JSON.stringify({ 'content-type': 'application/json', ...headers })} }).then((r) => r.status, String)`,
    );
  expect(await statusWith({ 'apollographql-client-name': 'shop', 'apollographql-client-version': '1' })).toBe(200);
  expect(await statusWith({ traceparent: '00-1', tracestate: 'a=b', baggage: 'a=b', 'sentry-trace': '1-1' })).toBe(200);
  expect(await statusWith({ 'x-datadog-trace-id': '1' })).toBe(200);
  expect(await statusWith({ authorization: 'Bearer key' })).toMatch(/TypeError/);
});

test('a beacon from a page of an allowed origin is stored, one from a foreign page is not', async () => {
  const foreign: Server = createServer((_req, res) =>
    res.setHeader('content-type', 'text/html').end('<!doctype html>'),
  );
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  const { recommendationId } = (await shop.api.shop('{ similarItems(id: "a") { recommendationId } }')).data
    .similarItems;
  const beacon = async (url: string, itemId: string) => {
    const event = { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId };
    const body = JSON.stringify({ visitor: { id: 'visitor' }, events: [{ click: event }] });
    await page.goto(url);
    const answered = page.waitForEvent('requestfinished', (request) => request.url().endsWith('/feedback'));
    const sent = await page.evaluate(
      `navigator.sendBeacon('${shop.api.server.url}/feedback', ${JSON.stringify(body)})`,
    );
    expect(sent).toBe(true);
    return (await (await answered).response())?.status();
  };
  expect(await beacon(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}`, 'b')).toBe(403);
  expect(await stored()).toEqual([]);
  expect(await beacon(`${shop.url}/`, 'b')).toBe(200);
  expect(await stored()).toEqual(['CLICK b']);
  foreign.closeAllConnections();
  foreign.close();
});

describe('the client', () => {
  test('loses no click and stores none twice, whatever page and network do', async () => {
    const tallies = await driveViews(browser, shop, 8);
    expect(tallies.filter(({ lost, double }) => lost + double > 0)).toEqual([]);
    for (const { events, views } of tallies) expect(events).toBe(2 * views);
    expect(tallies.reduce((sum, { events }) => sum + events, 0)).toBe(16);
  });

  test('knows on the page of a product from which list it was opened', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    await page.evaluate(`shop.client.click('b', shop.list)`);
    await page.goto(`${shop.url}/?product=b`);
    await page.evaluate('shop.ready');
    expect(await page.evaluate(`[shop.client.addToCart('c'), shop.client.purchase('b')].map(Boolean)`)).toEqual([
      false,
      true,
    ]);
    await expect.poll(stored).toEqual(['CLICK b', 'PURCHASE b']);
    const lists = await shop.api.database.storage.prisma.feedbackEvent.findMany({ distinct: ['listId'] });
    expect(lists).toHaveLength(1);
  });

  test('knows it in each catalog of an origin by itself, and forgets it in all', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    const opened = await page.evaluate(`(() => {
      const of = (catalog) => new shop.client.constructor({ url: 'http://127.0.0.1:9', catalog });
      const [en, de] = ['en', 'de'].map(of);
      en.click('b', { recommendationId: 'list of en' });
      const cart = [de, en].map((client) => client.addToCart('b') !== null);
      de.consent = false;
      return [cart, Object.keys(localStorage).filter((key) => key.startsWith('simili.'))];
    })()`);
    expect(opened).toEqual([[false, true], []]);
  });

  test('tells views and orders of products that no list showed, an order once', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    await page.evaluate(
      `shop.client.view('c'); for (const _ of [1, 2]) shop.client.purchase('c', { orderId: '1001' });`,
    );
    await page.evaluate('shop.client.flush()');
    expect(await page.evaluate('shop.delivery.waiting')).toBe(0);
    expect(await stored()).toEqual(['PURCHASE c', 'VIEW c']);
  });

  test('has one pseudonym for a browser, also where the shop gives an empty one', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    const drawn = await page.evaluate(`(() => {
      const { visitorId } = shop.client;
      const client = new shop.client.constructor({ url: '${shop.api.server.url}', visitorId: '' });
      return [visitorId, client.visitorId, client.visitorId];
    })()`);
    expect(new Set(drawn as string[]).size).toBe(1);
  });

  test('tells no view of a page that is only prepared, until it is shown', async () => {
    // Playwright's Chromium prerenders nothing: the document says so.
    await page.addInitScript(`Object.defineProperty(document, 'prerendering', { writable: true, value: true })`);
    await page.goto(`${shop.url}/bare.html`);
    expect(await page.evaluate(`[client.view('b'), client.flush()][0]`)).toBeNull();
    expect(await keysOfStorage()).toEqual([]);
    await page.evaluate(`document.prerendering = false; document.dispatchEvent(new Event('prerenderingchange'))`);
    await expect.poll(stored).toEqual(['VIEW b']);
  });

  test('tells the time of the server where the clock of the browser is wrong', async () => {
    await page.clock.setFixedTime(Date.now() - 3_600_000);
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    await page.evaluate(`shop.client.click('b', shop.list)`);
    await expect.poll(stored).toEqual(['CLICK b']);
  });

  test('learns that time also where no list came to the browser, and knows it on the pages that follow', async () => {
    const listed = async () =>
      (await shop.api.shop('{ similarItems(id: "a") { recommendationId } }')).data.similarItems.recommendationId;
    for (const [product, hours] of Object.entries({ b: 1, c: -1 })) {
      await page.clock.setFixedTime(Date.now() + 3_600_000 * hours);
      await page.goto(`${shop.url}/bare.html`);
      await page.evaluate(`client.click('${product}', { recommendationId: '${await listed()}' })`);
      await expect.poll(stored).toContain(`CLICK ${product}`);
    }
    await page.evaluate(`client.addToCart('c')`);
    await expect.poll(stored).toContain('ADD_TO_CART c');
    await page.goto(`${shop.url}/bare.html`);
    await page.evaluate(`client.view('c')`); // by the browser's clock it came before the click that it follows
    await expect.poll(stored).toContain('VIEW c');
    const { feedbackEvent } = shop.api.database.storage.prisma;
    const [view] = await feedbackEvent.findMany({ where: { kind: 'VIEW' } });
    expect(view).toMatchObject({ anchorId: 'a', occurredAt: expect.any(Date) });
    expect(Math.abs(Date.now() - Number(view?.occurredAt))).toBeLessThan(60_000);
  });

  test('asks for the fields that a shop wants, a picture without its address among them', async () => {
    const { productImage } = shop.api.database.storage.prisma;
    const facts = { position: 0, source: '/b.png', state: 'READY', width: 3, height: 2 } as const;
    await productImage.create({ data: { catalogId: 'default', id: 'img_b', productId: 'b', ...facts } });
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    const images = (fields: string) =>
      page.evaluate(`shop.client.similarItems('a', { first: 1, fields: 'id ${fields}' })
        .then(({ nodes }) => nodes[0].image)`);
    expect(await images('image { width }')).toEqual({ width: 3 });
    expect(await images('image { url }')).toEqual({ url: `${shop.api.server.url}/images/img_b` });
    await productImage.deleteMany();
  });

  test('says by a code why there is no list', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    const codeOf = (call: string) =>
      page.evaluate(`${call}.then(() => 'a list', ({ name, code, retry }) => [name, code, retry])`);
    expect(await codeOf(`shop.client.similarItems('a', { first: 0 })`)).toEqual([
      'SimiliError',
      'INVALID_ARGUMENT',
      false,
    ]);
    expect(await codeOf(`shop.client.similarItems('a', { fields: 'nothing' })`)).toEqual([
      'SimiliError',
      'GRAPHQL_VALIDATION_FAILED',
      false,
    ]);
    await context.setOffline(true);
    expect(await codeOf(`shop.client.similarItems('a')`)).toEqual(['SimiliError', 'UNREACHABLE', true]);
  });
});

describe('<simili-similar-items>', () => {
  test('shows links in a labelled list under a strict policy, and tells what was seen, opened and dismissed', async () => {
    await page.goto(`${shop.url}/element.html`);
    const region = page.getByRole('region', { name: 'Ähnliches' });
    await expect.poll(() => region.getByRole('listitem').count()).toBe(2);
    expect(await region.getByRole('heading', { level: 2 }).textContent()).toBe('Ähnliches');
    const links = region.getByRole('list').getByRole('link');
    expect(await links.allTextContents()).toEqual(['Product b', 'Product c']);
    await expect.poll(stored).toEqual(['IMPRESSION b,c']); // both in view for a second
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    // Playwright hears of a new address by an event, which may come after the key's own answer.
    await expect.poll(() => page.url()).toBe(`${shop.url}/element.html#b`);
    await region.getByRole('button', { name: 'Nicht so: Product c' }).click();
    await region.getByRole('button', { name: 'Nicht so: Product c' }).press('Enter');
    await expect.poll(stored).toEqual(['CLICK b', 'DISMISS c', 'IMPRESSION b,c']);
    const { feedbackEvent } = shop.api.database.storage.prisma;
    expect(await feedbackEvent.groupBy({ by: 'placement' })).toEqual([{ placement: 'cart' }]);
    expect(problems).toEqual([]);
  });

  test('is themed by variables of the page, follows its attributes, and leaves the way to a router', async () => {
    await page.goto(`${shop.url}/element.html`);
    const link = page.getByRole('link', { name: 'Product b' });
    await link.waitFor();
    await page.evaluate(`document.body.style.setProperty('--simili-color', 'rgb(1, 2, 3)')`);
    const color = `getComputedStyle(document.querySelector('simili-similar-items').shadowRoot.querySelector('a')).color`;
    expect(await page.evaluate(color)).toBe('rgb(1, 2, 3)');
    await page.evaluate(`globalThis.opened = [];
      addEventListener('simili-open', (event) => { event.preventDefault(); opened.push(event.detail.id); })`);
    await link.click();
    expect(await page.evaluate('[opened, location.hash]')).toEqual([['b'], '']);
    for (const click of [() => link.click({ modifiers: ['Control'] }), () => link.click({ button: 'middle' })]) {
      const [other] = await Promise.all([context.waitForEvent('page'), click()]);
      expect(other.url()).toMatch(/#b$/);
      await other.close();
    }
    expect(await page.evaluate('opened')).toEqual(['b']);
    await page.evaluate(`document.querySelector('simili-similar-items').setAttribute('product', 'b')`);
    await page.getByRole('link', { name: 'Product a' }).waitFor();
    expect(await page.getByRole('link').allTextContents()).toEqual(['Product c', 'Product a']);
    await page.evaluate(`document.querySelector('simili-similar-items').setAttribute('product', 'nothing')`);
    await expect.poll(() => page.getByRole('region').count()).toBe(0); // nothing to show shows nothing
  });

  test('asks for what its attributes say', async () => {
    const asked = page.waitForRequest((request) => request.url().endsWith('/graphql') && request.method() === 'POST');
    await page.goto(`${shop.url}/wishes.html`);
    const { variables } = (await asked).postDataJSON() as { variables: unknown };
    expect(variables).toEqual({
      id: 'a',
      first: 6,
      filter: { available: true },
      distinctPictures: true,
      fallback: 'CATEGORY',
      placement: 'cart',
    });
  });

  test('keeps and sends nothing of a shopper who did not agree, until he does', async () => {
    const sent: string[] = [];
    page.on('request', (request) => request.url().includes('/feedback') && sent.push(request.url()));
    await page.goto(`${shop.url}/denied.html`);
    await page.getByRole('link', { name: 'Product b' }).click();
    expect(await page.evaluate(`document.querySelector('simili-similar-items').client.visitorId`)).toBe('');
    expect(await keysOfStorage()).toEqual([]);
    await page.evaluate(`document.querySelector('simili-similar-items').setAttribute('consent', 'granted')`);
    await page.getByRole('link', { name: 'Product c' }).click();
    await expect.poll(stored).toEqual(['CLICK c', 'IMPRESSION c']);
    expect(await keysOfStorage()).toEqual(expect.arrayContaining(['simili.visitor']));
    expect(sent).toHaveLength(1);
  });

  test('what is in view when he agrees is seen from then on, and what he saw before is not told', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    await page.evaluate(`{
      shop.client.consent = false;
      const seen = shop.client.watch(shop.list);
      globalThis.tiles = shop.list.nodes.map(({ id }) => {
        const tile = document.body.appendChild(Object.assign(document.createElement('p'), { textContent: id }));
        seen.add(tile, id);
        return tile;
      });
    }`);
    await page.waitForTimeout(1500); // longer than an impression takes
    await page.evaluate(`tiles[1].remove(); shop.client.consent = true`);
    await page.waitForTimeout(1500);
    await page.evaluate('shop.client.flush()');
    expect(await stored()).toEqual(['IMPRESSION b']);
  });

  test('a page that does not know yet whether he agreed forgets nothing of the page before, and consent taken back does', async () => {
    await page.goto(`${shop.url}/`);
    await page.evaluate('shop.ready');
    await page.evaluate(`fetch = () => Promise.reject(new TypeError('blocked')); navigator.sendBeacon = () => false`);
    await page.evaluate(`shop.client.click('b', shop.list)`);
    await page.goto(`${shop.url}/denied.html`);
    await page.getByRole('link', { name: 'Product b' }).waitFor();
    expect(await stored()).toEqual([]);
    const consent = (given: string) =>
      page.evaluate(`document.querySelector('simili-similar-items').setAttribute('consent', '${given}')`);
    await consent('granted');
    await expect.poll(stored).toEqual(['CLICK b']);
    await consent('denied');
    await expect.poll(keysOfStorage).toEqual([]);
  });
});

test('lists of React by an address share one client: what is seen and clicked in each is stored once', async () => {
  await page.goto(`${shop.url}/react.html`);
  await page.evaluate(`showLists('a', 'b')`);
  const lists = page.getByRole('list', { name: 'Alike' });
  await expect.poll(stored).toEqual(['IMPRESSION a,c', 'IMPRESSION b,c']);
  await lists.nth(1).getByRole('link', { name: 'Product a' }).click();
  await expect.poll(stored).toEqual(['CLICK a', 'IMPRESSION a,c', 'IMPRESSION b,c']);
  const visitors = await shop.api.database.storage.prisma.feedbackEvent.groupBy({ by: ['visitorId'] });
  expect(visitors).toHaveLength(1);
  expect(problems).toEqual([]);
});

test('a list of React tells what was seen once, also in StrictMode, and what was clicked', async () => {
  await page.goto(`${shop.url}/react.html`);
  await page.getByRole('link', { name: 'Product b' }).waitFor();
  await expect.poll(stored).toEqual(['IMPRESSION b,c']);
  await page.getByRole('link', { name: 'Product c' }).click();
  await page.getByRole('button').first().click();
  await expect.poll(stored).toEqual(['CLICK c', 'DISMISS b', 'IMPRESSION b,c']);
  await page.evaluate(`show('b')`);
  await page.getByRole('link', { name: 'Product a' }).waitFor();
  await page.evaluate('show(null)');
  expect(problems).toEqual([]);
});
