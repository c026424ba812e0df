import { expect, test } from 'vitest';
import { CategoriesOfSearch } from '../../../../../src/db/search/category.ts';
import type { Ask } from '../../../../../src/db/sql/ask.ts';
import { startDeadline, timeLeft, within } from '../../../../../src/deadline.ts';
import type { VersionSpace } from '../../../../../src/ports/space.ts';

test('one look at the indexes is shared by those who ask meanwhile, also when the first of them leaves', async () => {
  const client = new AbortController();
  let looks = 0;
  const ask = (async () => {
    looks += 1;
    await new Promise((resolve) => setImmediate(resolve));
    timeLeft();
    return [{ category: 'mugs', number: 7, ranked: true, candidates: null, products: 30, share: 0.1 }];
  }) as unknown as Ask;
  const categories = new CategoriesOfSearch(ask, 'default');
  const of = () =>
    categories.of(
      1,
      [{ name: 'look', dimension: 2, storage: 'float' } as unknown as VersionSpace],
      { categories: ['mugs'] },
      1,
      null,
    );
  const first = within(startDeadline({ statementMs: 60_000, requestMs: 60_000 }, client.signal), of);
  const second = of();
  client.abort();
  expect(await second).toEqual({ numbers: [7], ranked: [true], candidates: null, products: 30, share: 0.1 });
  expect(await first).toEqual(await second);
  expect(looks).toBe(1);
});
