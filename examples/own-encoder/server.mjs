// Two spaces in one list: by their pictures the pink jug is nearest to the red mug, by pictures and titles together the red teapot.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { fillSpace } from '@simili/worker/embedding/fill-space';
import { openSimili } from 'simili';
import { addDemoShop } from '../demo-shop.mjs';
import { titleWords } from './title-words.mjs';

const simili = await openSimili({ dataDir: null, exploring: 0 });
await addDemoShop(simili, {
  vectors: { 'red-mug': [1, 0], 'pink-jug': [0.8, 0.6], 'red-teapot': [0.6, 0.8] },
  spaces: [{ ...titleWords.space, weight: titleWords.weight, encoder: titleWords.id }],
  // A shop's `simili worker` does this by itself, for every version and every product that comes or changes.
  fill: (version) => fillSpace(simili, version, titleWords, new AbortController().signal),
});

const server = new ApolloServer({ schema: simili.plugin.standalone() });
const { url } = await startStandaloneServer(server, { listen: { port: Number(process.env.PORT ?? 4000) } });
process.stdout.write(`Listening on ${url}\n`);
