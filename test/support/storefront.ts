import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { type TestApi, testApi } from './api.ts';
import { addModel, addProducts } from './fixtures.ts';

const TYPES: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

/** A page that has a client and a list, as `shop`. */
const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/shop.js"></script>';
const scriptFor = (api: string) => `import { SimiliClient } from '${api}/client.js';
  const onDelivery = (delivery) => Object.assign(globalThis.shop ?? {}, { delivery });
  globalThis.shop = { client: new SimiliClient({ url: '${api}', onDelivery }) };
  shop.ready = shop.client.similarItems('a').then((list) => Object.assign(shop, { list })).then(() => true);`;

export type Storefront = AsyncDisposable & { api: TestApi; url: string };

/**
 * A shop of another origin than the API, with a policy that forbids whatever its pages do not need: a page with a client, and others.
 * @param filesOf the other files by path (`/name.html`, `/name.js`), from the API's address
 */
export async function openStorefront(
  filesOf: (api: string) => Record<string, string> = () => ({}),
): Promise<Storefront> {
  let files: Record<string, string> = {};
  let policy = '';
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://shop');
    const path = pathname === '/' ? '/index.html' : pathname;
    res.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain');
    res.setHeader('content-security-policy', policy).end(files[path]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = await testApi({ SIMILI_CORS_ORIGINS: `${url}/`, SIMILI_QUERY_RATE: '0', SIMILI_FEEDBACK_RATE: '0' });
  await addProducts(api.database, [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  await addModel(api.database, { a: [1, 0], b: [1, 0.1], c: [1, 0.2] });
  policy = `default-src 'none'; script-src 'self' ${api.server.url}; connect-src ${api.server.url}; img-src data: ${api.server.url}`;
  files = { '/index.html': PAGE, '/shop.js': scriptFor(api.server.url), ...filesOf(api.server.url) };
  return {
    api,
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await api[Symbol.asyncDispose]();
    },
  };
}
