// A shop's own rules: a filter by brand, one that always holds, and a reranker.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { openSimili } from 'simili';
import { addDemoShop } from '../demo-shop.mjs';
import extensions from './shop-rules.mjs';

const simili = await openSimili({ dataDir: null, exploring: 0, extensions });
await addDemoShop(simili, {
  vectors: { mug: [1, 0], cup: [0.99, 0.14], glass: [0.98, 0.2], bowl: [0.8, 0.6], tray: [0.6, 0.8] },
  tags: {
    cup: ['brand:acme'],
    glass: ['brand:acme', 'showroom'],
    bowl: ['brand:acme'],
    tray: ['brand:bolt'],
  },
});

const server = new ApolloServer({ schema: simili.plugin.standalone() });
const { url } = await startStandaloneServer(server, { listen: { port: Number(process.env.PORT ?? 4000) } });
process.stdout.write(`Listening on ${url}\n`);
