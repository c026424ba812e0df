// node --test examples/nextjs, with CHROMIUM_PATH and SIMILI_INSTALLED
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectEvents, installedAt, needsInstalled, openBrowser, run, serve } from '../shopper.mjs';
import { startShop } from '../storefront/server.mjs';

test(
  'a list is in the page without JavaScript; what a shopper sees of it and opens is stored',
  needsInstalled,
  async (t) => {
    const folder = installedAt('nextjs');
    const shop = await startShop({ port: '0', origins: '*' });
    t.after(shop.close);
    const env = { NEXT_PUBLIC_SIMILI_URL: shop.url, NEXT_TELEMETRY_DISABLED: '1' };
    await run(folder, ['next', 'build'], env);
    const url = await serve(t, folder, ['next', 'start', '--port', '0', '--hostname', '127.0.0.1'], env);
    const browser = await openBrowser(t);

    const plain = await browser.newPage({ javaScriptEnabled: false });
    await plain.goto(`${url}/products/red-mug`);
    assert.deepEqual(await plain.getByRole('listitem').allTextContents(), ['pink mug', 'blue jug']);

    const tab = await browser.newPage();
    const problems = [];
    tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await tab.goto(`${url}/products/red-mug`);
    await expectEvents(shop, tab, ['IMPRESSION blue-jug,pink-mug']);
    await tab.getByRole('link', { name: 'pink mug' }).click();
    await tab.getByRole('heading', { name: 'pink-mug' }).waitFor();
    await expectEvents(shop, tab, ['CLICK pink-mug', 'IMPRESSION blue-jug,pink-mug']);
    assert.deepEqual(problems, []);
  },
);
