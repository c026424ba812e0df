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
