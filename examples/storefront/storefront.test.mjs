// node --test examples/storefront, with CHROMIUM_PATH
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { startShop } from './server.mjs';

const executablePath = process.env.CHROMIUM_PATH;
const html = readFileSync(new URL('./index.html', import.meta.url), 'utf8');

test('a shopper opens a similar product and puts it into the cart', { skip: !executablePath }, async () => {
  let page = '';
  const pages = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(page));
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const shop = await startShop({ port: '0', origins: origin });
  page = html.replaceAll('http://localhost:4000', shop.url);
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
  try {
    const tab = await browser.newPage();
    await tab.goto(`${origin}/`);
    const region = tab.getByRole('region', { name: 'Looks like this' });
    await region.getByRole('link', { name: 'pink mug' }).click();
    await tab.waitForURL(`${origin}/?product=pink-mug`);
    await region.getByRole('link', { name: 'red mug' }).waitFor();
    await tab.getByRole('button', { name: 'Add to cart' }).click();
    const visitor = await tab.evaluate("localStorage.getItem('simili.visitor')");
    const stored = async () => {
      const { events } = await shop.services.visitorEvents(visitor, { first: 100, after: null });
      return events.map(({ kind, itemIds }) => `${kind} ${itemIds}`);
    };
    while ((await stored()).length < 3) await tab.waitForTimeout(50);
    const expected = ['ADD_TO_CART pink-mug', 'CLICK pink-mug', 'IMPRESSION pink-mug'];
    assert.deepEqual((await stored()).sort(), expected);
  } finally {
    await browser.close();
    await shop.close();
    pages.closeAllConnections();
    pages.close();
  }
});
