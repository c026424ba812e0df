import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';

test('who takes some of what waits gets no more than that, also of a table that was never analysed', async () => {
  await using database = await freshDatabase();
  const { images, vectorQueue } = database.repositories;
  const products = Array.from({ length: 80 }, (_, i) => ({ id: `p${i}`, imageUrls: [`https://shop.test/${i}.png`] }));
  await addProducts(database, products);
  expect(await vectorQueue.take(30)).toHaveLength(30);
  const claimed = await images.claimPending(30, 60);
  expect(claimed).toHaveLength(30);
  for (const image of claimed) await images.markFailed(image, 'IMAGE_UNREACHABLE', 'no answer', 0);
  await expect.poll(() => images.reopenFailed(20)).toBe(20);
  for (const image of await images.claimPending(100, 60))
    await images.markReady(image, { contentHash: image.id, mime: 'image/png', width: 1, height: 1 });
  expect((await images.claimAged(15, 60, 0)).length).toBe(15);
});

test('of many pictures that wait, or are old, those that are taken are read and few others', async () => {
  await using database = await freshDatabase();
  const { prisma } = database.storage;
  const { images } = database.repositories;
  await addProducts(database, [{ id: 'many' }]);
  await prisma.$executeRaw`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source)
    SELECT 'default', 'img_' || g, 'many', g, 'https://shop.test/' || g FROM generate_series(1, 5000) g`;
  const read = async (): Promise<number> => {
    await prisma.$executeRaw`SELECT pg_stat_force_next_flush()`;
    const [row] = await prisma.$queryRaw<{ n: number }[]>`
      SELECT (seq_tup_read + idx_tup_fetch)::int AS n FROM pg_stat_user_tables WHERE relid = 'simili.product_image'::regclass`;
    return row!.n;
  };
  const rowsReadBy = async (claim: () => Promise<unknown[]>): Promise<number> => {
    await prisma.$executeRaw`ANALYZE simili.product_image`;
    const before = await read();
    expect(await claim()).toHaveLength(10);
    return (await read()) - before;
  };
  expect(await rowsReadBy(() => images.claimPending(10, 60))).toBeLessThan(500);
  await prisma.$executeRaw`
    UPDATE simili.product_image SET state = 'READY', content_hash = id, claimed_until = NULL,
      checked_at = now() - make_interval(days => 9, secs => position)`;
  expect(await rowsReadBy(() => images.claimAged(10, 60, 7 * 86_400))).toBeLessThan(500);
});
