// Simili's own server with three products, in place of `simili start`, for the page beside it: node examples/storefront/server.mjs
import { fileURLToPath } from 'node:url';
import { loadConfig, openSimili } from 'simili';
import { startServer } from 'simili/server';
import { addDemoShop } from '../demo-shop.mjs';

/** @param {{ port: string, origins: string }} where `origins`: those of the shop's pages, comma separated */
export async function startShop({ port, origins }) {
  const config = loadConfig({ PORT: port, SIMILI_CORS_ORIGINS: origins });
  const simili = await openSimili({ dataDir: null, exploring: 0 });
  await addDemoShop(simili);
  const { services, repositories } = simili;
  const anybody = { name: 'anybody', scopes: ['storefront', 'feedback'], catalog: null };
  const authenticator = { name: 'everybody is a shopper', authenticate: async () => anybody };
  const server = await startServer({ services, repositories, config, log: console, authenticator });
  const close = async () => {
    await server.close();
    await simili.close();
  };
  return { url: server.url, services, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startShop({ port: '4000', origins: '*' });
  process.stdout.write(`Listening on ${url}\n`);
}
