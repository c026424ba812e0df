// node --test examples/storefront, with CHROMIUM_PATH
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { expectEvents, needsBrowser, openBrowser } from '../shopper.mjs';
import { startShop } from './server.mjs';

const html = readFileSync(new URL('./index.html', import.meta.url), 'utf8');

test('a shopper opens a similar product and puts it into the cart', needsBrowser, async (t) => {
  let page = '';
  const pages = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(page));
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    pages.closeAllConnections();
    pages.close();
  });
  const origin = `http://127.0.0.1:${pages.address().port}`;
  const shop = await startShop({ port: '0', origins: origin });
  t.after(shop.close);
  page = html.replaceAll('http://localhost:4000', shop.url);
  const tab = await (await openBrowser(t)).newPage();
  await tab.goto(`${origin}/`);
  const region = tab.getByRole('region', { name: 'Looks like this' });
  await region.getByRole('link', { name: 'pink mug' }).click();
  await tab.waitForURL(`${origin}/?product=pink-mug`);
  await region.getByRole('link', { name: 'red mug' }).waitFor();
  await tab.getByRole('button', { name: 'Add to cart' }).click();
  await expectEvents(shop, tab, ['ADD_TO_CART pink-mug', 'CLICK pink-mug', 'IMPRESSION pink-mug']);
});
