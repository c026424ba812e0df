// Rules of a shop inside the search and after it. Its brands are tags, like `brand:acme`.
// Try them in your shop: SIMILI_EXTENSIONS=./shop-rules.mjs npx simili start

/**
 * `similarItems(id: …, filter: { own: [{ name: "brand", values: ["acme"] }] })` shows products of these brands alone.
 * @type {import('simili').FilterExtension}
 */
export const brand = {
  name: 'brand',
  condition(values) {
    if (values === null) return null;
    if (values.length === 0) throw new RangeError('needs a brand');
    return { column: 'tags', overlaps: values.map((name) => `brand:${name}`) };
  },
};

/**
 * Products that are only for the showroom are in no list, whatever a storefront asks for.
 * @type {import('simili').FilterExtension}
 */
export const noShowroom = {
  name: 'no-showroom',
  condition: () => ({ not: { column: 'tags', overlaps: ['showroom'] } }),
};

/**
 * A list alternates between brands: of the nearest the first of each, then the second of each, …
 * @type {import('simili').Reranker}
 */
export const alternating = {
  name: 'alternating brands',
  candidates: 50,
  rerank(_query, candidates) {
    const seen = new Map();
    const rounds = candidates.map(({ product: { id, tags } }, place) => {
      const name = tags.find((tag) => tag.startsWith('brand:')) ?? '';
      const round = seen.get(name) ?? 0;
      seen.set(name, round + 1);
      return { id, round, place };
    });
    return rounds.sort((a, b) => a.round - b.round || a.place - b.place).map(({ id }) => id);
  },
};

export default { filters: [brand, noShowroom], reranker: alternating };
