// node --test examples/apollo-client, with CHROMIUM_PATH and SIMILI_INSTALLED
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectEvents, installedAt, needsInstalled, openBrowser, run } from '../shopper.mjs';
import { startShop } from '../storefront/server.mjs';

test(
  'types come from the address, the list from Apollo Client, and what a shopper sees and opens is stored',
  needsInstalled,
  async (t) => {
    const folder = installedAt('apollo-client');
    const shop = await startShop({ port: '0', origins: '*' });
    t.after(shop.close);
    await run(folder, ['graphql-codegen'], { SIMILI_URL: shop.url });
    await run(folder, ['tsc', '--noEmit']);
    await run(folder, ['esbuild', 'src/main.tsx', '--bundle', '--minify', '--format=esm', '--outfile=public/main.js']);

    const pages = createServer((req, res) => {
      const file = req.url.endsWith('.js') ? 'main.js' : 'index.html';
      res.setHeader('content-type', file === 'main.js' ? 'text/javascript' : 'text/html');
      res.end(readFileSync(join(folder, 'public', file), 'utf8').replaceAll('http://localhost:4000', shop.url));
    });
    await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
    t.after(() => pages.close());

    const tab = await (await openBrowser(t)).newPage();
    const problems = [];
    tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await tab.goto(`http://127.0.0.1:${pages.address().port}/`);
    await expectEvents(shop, tab, ['IMPRESSION blue-jug,pink-mug']);
    assert.deepEqual(await tab.getByRole('link').allTextContents(), ['pink mug', 'blue jug']);
    await tab.getByRole('link', { name: 'pink mug' }).click();
    await tab.getByRole('heading', { name: 'pink-mug' }).waitFor();
    await expectEvents(shop, tab, ['CLICK pink-mug', 'IMPRESSION blue-jug,pink-mug']);
    assert.deepEqual(problems, []);
  },
);
