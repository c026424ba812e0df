// Simili inside a shop's own schema: its `Product` gains `similarItems`.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { openSimili } from 'simili';
import { addDemoShop } from '../demo-shop.mjs';

const stock = new Map([
  ['red-mug', 3],
  ['blue-jug', 12],
]);
const shop = makeExecutableSchema({
  typeDefs: `
    type Query { product(id: ID!): Product }
    type Product { id: ID! inStock: Int! }
  `,
  resolvers: {
    Query: { product: (_root, { id }) => ({ id }) },
    Product: { inStock: ({ id }) => stock.get(id) ?? 0 },
  },
});

// A shop says openSimili({ databaseUrl }) here, and runs `simili worker` on the same database.
const simili = await openSimili({ dataDir: null, exploring: 0 });
await addDemoShop(simili);

const server = new ApolloServer({ schema: simili.plugin.extend(shop) });
const { url } = await startStandaloneServer(server, { listen: { port: Number(process.env.PORT ?? 4000) } });
process.stdout.write(`Listening on ${url}\n`);
