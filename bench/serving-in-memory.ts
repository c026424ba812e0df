import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';

/** Apollo Server whose resolvers have the page in memory: what HTTP and GraphQL cost by themselves. Prints its port. */
const nodes = Array.from({ length: 50 }, (_, i) => ({
  id: `p${i}`,
  title: `Product ${i}`,
  price: { amount: '9.90', currencyCode: 'EUR' },
}));
const typeDefs = `
  type Query { similarItems(id: ID!, first: Int, filter: ProductFilter): Connection }
  input ProductFilter { categories: [String!] }
  type Connection { status: String!, nodes: [Product!]! }
  type Product { id: ID!, title: String!, price: Money, similarItems(first: Int): Connection }
  type Money { amount: String!, currencyCode: String! }`;
const similarItems = (_of: unknown, { first = 12 }: { first?: number }) => ({
  status: 'OK',
  nodes: nodes.slice(0, first),
});
const apollo = new ApolloServer({ typeDefs, resolvers: { Query: { similarItems }, Product: { similarItems } } });
await apollo.start();
const app = express().use('/graphql', express.json(), expressMiddleware(apollo));
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
