import { expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { fakeWorker } from '../support/fake-worker.ts';
import { addProducts } from '../support/fixtures.ts';

const signal = new AbortController().signal;
const hashOf = (content: string) => content.repeat(64);

/** A shop with one product, whose picture is at a host with this content. `during`: what happens once, while its bytes are on their way. */
async function shopOf(content: string) {
  const worker = await fakeWorker(0);
  const host = { content, during: async () => {}, asked: [] as string[] };
  const pictures = {
    ...worker.context.pictures,
    async refresh() {
      const sent = host.content;
      host.asked.push(sent);
      const { during } = host;
      host.during = async () => {};
      await during();
      const revision = { etag: sent, lastModified: null };
      return { contentHash: hashOf(sent), mime: 'image/png', width: 9, height: 9, revision };
    },
  };
  const encode = async ({ pictures: hashes }: { pictures: string[] }) => ({
    vectors: new Uint16Array(hashes.length * 3000),
  });
  const embedder = { ...worker.context.embedder, encode };
  const context = worker.but({ pictures: pictures as never, embedder: embedder as never });
  return {
    host,
    images: worker.database.repositories.images,
    ingest: () => ingestHandler(context, 600_000)({ catalog: 'default' }, { signal }),
    send: (version: number) =>
      addProducts(worker.database, [{ id: 'bag', imageUrls: ['https://shop.test/bag.png'], version }]),
    picture: () => worker.database.storage.prisma.productImage.findFirstOrThrow(),
    isOld: () => worker.database.storage.prisma.productImage.updateMany({ data: { checkedAt: new Date(0) } }),
    claimIsOver: () =>
      worker.database.storage.prisma.productImage.updateMany({ data: { claimedUntil: new Date(Date.now() - 60_000) } }),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

test.each(['for the first time', 'again'])(
  'a product that is sent while its picture is read %s has it read once more',
  async (when) => {
    await using shop = await shopOf('a');
    const { host } = shop;
    await shop.send(1);
    if (when === 'again') {
      await shop.ingest();
      await shop.send(2);
    }
    host.during = async () => {
      host.content = 'b';
      await shop.send(3);
    };
    await shop.ingest();
    expect(host.asked).toEqual(when === 'again' ? ['a', 'a', 'b'] : ['a', 'b']);
    expect(await shop.picture()).toMatchObject({ state: 'READY', contentHash: hashOf('b'), retryAt: null });
  },
);

test('an old picture that cannot be had is asked for again at its next try, and not before', async () => {
  await using shop = await shopOf('a');
  const { host } = shop;
  await shop.send(1);
  await shop.ingest();
  await shop.isOld();
  for (const why of ['no answer', 'no answer still']) {
    host.during = async () => {
      throw new SimiliError('IMAGE_UNREACHABLE', { source: 'bag.png', why, retryAfterSeconds: 3600, asked: true });
    };
    await shop.ingest();
  }
  expect(host.asked).toEqual(['a', 'a']);
  expect(await shop.picture()).toMatchObject({ state: 'READY', attempts: 1 });
});

const facts = (content: string) => ({ contentHash: hashOf(content), mime: 'image/png', width: 9, height: 9 });

test('who was too slow, and whose picture another has taken, says nothing of it any more', async () => {
  await using shop = await shopOf('a');
  const { images } = shop;
  await shop.send(1);
  const [slow] = await images.claimPending(1, 60);
  await shop.claimIsOver();
  const [quick] = await images.claimPending(1, 60);
  await images.markReady(quick!, facts('b'));
  await images.markFailed(slow!, 'IMAGE_UNREACHABLE', 'no answer');
  await images.markReady(slow!, facts('a'));
  await images.markChecked(slow!, { etag: 'old', lastModified: null }, 60);
  expect(await shop.picture()).toMatchObject({ state: 'READY', contentHash: hashOf('b'), etag: null, retryAt: null });
});

test('a wish stands whatever comes of the reading: a picture that failed is tried again at once', async () => {
  await using shop = await shopOf('a');
  const { images } = shop;
  await shop.send(1);
  const [first] = await images.claimPending(1, 60);
  await shop.send(2);
  await images.markFailed(first!, 'IMAGE_UNREADABLE', 'no picture');
  expect(await images.reopenFailed(10)).toBe(1);
  const [second] = await images.claimPending(1, 60);
  await images.markReady(second!, facts('a'));
  expect(await images.hasAged(null)).toBe(false); // the wish was granted
  await shop.send(3);
  const [third] = await images.claimAged(1, 60);
  await shop.send(4);
  await images.markChecked(third!, null, 3600);
  expect(await images.hasAged(null)).toBe(true);
});
