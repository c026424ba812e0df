import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isHeldOut } from '../../../../lab/simulate/held-out.ts';
import { simulate } from '../../../../lab/simulate/run.ts';
import { openFakeShop, quietly } from '../../../support/simulated-shop.ts';

/** Sends, and looks at everything that arrived. `excluding`: could the server leave the held-out products out by itself? */
async function holdsOut(products: number, heldOut: number, seed: number, excluding: boolean): Promise<void> {
  await using shop = await openFakeShop({ products });
  const options = {
    url: shop.url,
    adminKey: undefined,
    shoppers: 10,
    taste: 'colour=0.5,shape=0.5',
    trainSeconds: undefined,
    retrains: 0,
    anchors: 120,
    fakes: { bots: 0, farm: 0 },
    push: null,
    purchasesOnly: false,
    trustBias: 0,
    popularity: 0,
    seasons: 1,
  };
  await simulate({ ...options, seed, heldOut }, quietly().around);
  const sent = [...shop.events.values()];
  const lists = sent.map(({ recommendationId }) => shop.lists.get(recommendationId)!);
  const touched = new Set([...sent.flatMap(({ itemIds }) => itemIds), ...lists.map(({ anchor }) => anchor)]);
  expect([...touched].filter((id) => isHeldOut(id, heldOut))).toEqual([]);
  expect(sent.length).toBeGreaterThan(0);
  expect(shop.seen.filters.some((ids) => ids.length > 0)).toBe(excluding);
  if (!excluding) expect(lists.some(({ items }) => items.some((id) => isHeldOut(id, heldOut)))).toBe(true);
}

test('no event ever names a held-out product or starts from one', async () => {
  const share = fc.double({ min: 0.15, max: 0.8, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 40, max: 90 }), share, fc.nat(1000), (products, heldOut, seed) =>
      holdsOut(products, heldOut, seed, true),
    ),
    { numRuns: 3 },
  );
});

test('nor when there are too many of them for the filter, and lists contain them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0.82, max: 0.9, noNaN: true }), fc.nat(1000), (heldOut, seed) =>
      holdsOut(280, heldOut, seed, false),
    ),
    { numRuns: 1 },
  );
});
