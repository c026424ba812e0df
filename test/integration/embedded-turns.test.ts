import { expect, test } from 'vitest';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { writeProducts } from '../../src/catalog/products.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { dump } from '../support/embedded.ts';
import { fakeQueue } from '../support/fixtures.ts';

/** Turns of the event loop while `work` runs. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let next: NodeJS.Immediate;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  await work();
  clearImmediate(next);
  return turns;
}

test('a long loop of statements on the embedded database lets others in between, whichever loop it is', async () => {
  let clock = 0;
  const storage = await openEmbedded(null, () => (clock += 4), await dump()); // every message of the protocol seems to take 4 ms
  const { products, settings } = makeRepositories(storage, 'default');
  const drafts = Array.from({ length: 20 }, (_, i) => ({ id: `p${i}`, title: 'x', imageUrls: [] }));
  await settings.get('nothing'); // the first one loads the query compiler
  const writes = async () => {
    for (const draft of drafts) await writeProducts([draft], { catalog: 'default', products, queue: fakeQueue() });
  };
  expect(await turnsDuring(writes)).toBeGreaterThan(100);
  const reads = async () => {
    for (let i = 0; i < 20; i++) await settings.get('nothing');
  };
  expect(await turnsDuring(reads)).toBeGreaterThan(10);
  await storage.close();
});

test('a hundred products cost an import as many statements as one', async () => {
  let messages = 0;
  const storage = await openEmbedded(null, () => ++messages, await dump());
  const { products } = makeRepositories(storage, 'default');
  const write = async (count: number, title: string): Promise<number> => {
    const before = messages;
    const drafts = Array.from({ length: count }, (_, i) => ({ id: `${count}-${i}`, title, imageUrls: ['/p.png'] }));
    await writeProducts(drafts, { catalog: 'default', products, queue: fakeQueue() }, judgeImported);
    return messages - before;
  };
  await products.count(); // loads the query compiler
  for (const title of ['created', 'replaced']) {
    const one = await write(1, title);
    expect(one).toBeGreaterThan(0);
    expect(await write(100, title)).toBeLessThan(1.2 * one); // long values come in parts
  }
  await storage.close();
});
