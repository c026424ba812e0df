import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { chores } from '../../workers/handlers/maintenance.ts';
import { fakeWorker } from '../support/fake-worker.ts';
import { addProducts } from '../support/fixtures.ts';

const signal = new AbortController().signal;

/** A worker with this many new pictures. */
async function importing(count: number) {
  const worker = await fakeWorker(0);
  const refresh = async (source: string) => {
    const contentHash = createHash('sha256').update(source).digest('hex');
    return { contentHash, mime: 'image/png', width: 9, height: 9, revision: { etag: null, lastModified: null } };
  };
  const encode = async ({ pictures }: { pictures: string[] }) => ({
    vectors: new Uint16Array(pictures.length * 3000),
  });
  await addProducts(
    worker.database,
    Array.from({ length: count }, (_, i) => ({ id: `new-${i}`, imageUrls: [`https://shop.test/${i}.png`] })),
  );
  const { context } = worker;
  return {
    worker,
    context: worker.but({
      pictures: { ...context.pictures, refresh } as never,
      embedder: { ...context.embedder, encode } as never,
    }),
    inLine: () => worker.queue.added.splice(0).filter(({ name }) => name === 'ingest'),
    pending: async () => (await worker.database.repositories.images.counts()).pending,
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

const again = { name: 'ingest', payload: { catalog: 'default' }, key: 'default' };

test('a catalog that has more than a turn of work goes to the end of the line, until all is done', async () => {
  await using shop = await importing(80);
  const turn = () => ingestHandler(shop.context, 0)({ catalog: 'default' }, { signal });
  const left: number[] = [];
  for (let inLine = [again]; inLine.length > 0 && left.length < 3; inLine = shop.inLine() as (typeof again)[]) {
    expect(inLine).toEqual([again]);
    await turn();
    left.push(await shop.pending());
  }
  expect(left).toEqual([48, 16, 0]);
});

test('one that is done in its turn is not in line again', async () => {
  await using shop = await importing(5);
  await ingestHandler(shop.context, 600_000)({ catalog: 'default' }, { signal });
  expect(await shop.pending()).toBe(0);
  expect(shop.inLine()).toEqual([]);
});

test('whoever wakes a catalog uses one key, so that a single message waits', async () => {
  await using shop = await importing(1);
  const maintenance = chores(shop.context).find(({ name }) => name === 'maintenance')!;
  for (let i = 0; i < 2; i++) await maintenance.work(signal);
  expect(shop.inLine()).toEqual([again, again]);
});
