// Simili as a federation subgraph: a router joins it to the other subgraphs of the shop by the id of the product.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { openSimili } from 'simili';
import { addDemoShop } from '../demo-shop.mjs';

// A shop says openSimili({ databaseUrl }) here, and runs `simili worker` on the same database.
const simili = await openSimili({ dataDir: null, exploring: 0 });
await addDemoShop(simili);

const server = new ApolloServer({ schema: simili.plugin.subgraph() });
const { url } = await startStandaloneServer(server, { listen: { port: Number(process.env.PORT ?? 4000) } });
process.stdout.write(`Listening on ${url}\n`);
