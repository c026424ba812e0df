import type { Random } from '../learning/numbers/random.ts';
import type { FilterInput } from '../src/similarity/filter.ts';
import { A_CLUSTER, type FilteredCatalog, idOf, SHARES, SIZES } from './filtered-catalog.ts';

type Facets = NonNullable<FilterInput['not']>;
/** Draws filters, and says by the catalog in memory what passes. */
export type RandomFilters = {
  /** @param anchor left out are, now and then, those that look most like it */
  draw(anchor: number): FilterInput;
  /** 1 for each product that passes. */
  passing(filter: FilterInput): Uint8Array;
};

/** Random filters of any selectivity: the share of the catalog in a range is drawn evenly in its logarithm, so that narrow ones are as frequent as wide ones. */
export function randomFilters(catalog: FilteredCatalog, random: Random): RandomFilters {
  const { products } = catalog;
  const sorted = (values: Float64Array) => values.filter((value) => !Number.isNaN(value)).sort();
  const [prices, weights] = [sorted(catalog.prices).map((cents) => cents / 100), sorted(catalog.weights)];
  const chance = (share: number) => random.next() < share;
  const one = <T>(of: readonly T[]): T => of[random.int(of.length)]!;
  const some = <T>(most: number, draw: () => T): T[] => Array.from({ length: 1 + random.int(most) }, draw);

  const category = () =>
    chance(0.03) ? 'nowhere' : chance(0.4) ? one([...catalog.categories.keys()]) : `share-${one(SHARES)}`;
  const label = () => (chance(0.03) ? 'nothing' : `label-${one(SHARES)}`);
  const rangeOf = (values: Float64Array) => {
    const width = Math.floor(values.length * 10 ** (-4.5 * random.next()));
    const from = random.int(values.length - width);
    const [min, max] = [values[from]!, values[Math.min(values.length - 1, from + width)]!].map((x) => x.toFixed(2));
    return chance(0.2) ? { min } : chance(0.25) ? { max } : { min, max };
  };
  const attribute = () => {
    if (chance(0.4)) return { name: 'weight', range: rangeOf(weights) };
    return chance(0.5)
      ? { name: 'size', anyOf: some(3, () => one(SIZES)) }
      : { name: 'brand', anyOf: some(5, () => `b${random.int(500)}`) };
  };
  const facets = (share: number): Facets => ({
    categories: chance(share) ? some(3, category) : null,
    tags: chance(share) ? some(3, label) : null,
    attributes: chance(share) ? some(2, attribute) : null,
  });
  const alike = (anchor: number) => {
    const first = Math.floor(anchor / A_CLUSTER) * A_CLUSTER;
    return idOf(chance(0.7) ? Math.min(products - 1, first + random.int(A_CLUSTER)) : random.int(products));
  };
  return {
    draw: (anchor) => ({
      ...facets(0.25),
      available: chance(0.3) ? chance(0.8) : null,
      price: chance(0.4) ? rangeOf(prices) : null,
      not: chance(0.25) ? facets(0.5) : null,
      excludeIds: chance(0.2) ? some(200, () => alike(anchor)) : null,
    }),
    passing: (filter) => passing(catalog, filter),
  };
}

function passing(catalog: FilteredCatalog, filter: FilterInput): Uint8Array {
  const { products, prices, available } = catalog;
  const mask = new Uint8Array(products).fill(1);
  for (const wanted of unions(catalog, filter)) for (let i = 0; i < products; i++) mask[i]! &= wanted[i]!;
  for (const unwanted of unions(catalog, filter.not ?? {}))
    for (let i = 0; i < products; i++) mask[i]! &= 1 - unwanted[i]!;
  if (filter.price) {
    const wanted = within(prices, filter.price);
    for (let i = 0; i < products; i++) mask[i]! &= wanted[i]!;
  }
  for (let i = 0; i < products; i++) {
    if (filter.available != null && available[i] !== Number(filter.available)) mask[i] = 0;
  }
  for (const id of filter.excludeIds ?? []) mask[Number(id.slice(1))] = 0;
  return mask;
}

const hundredths = (decimal: string): number => Math.round(Number(decimal) * 100);

/** @param values hundredths; NaN: none */
function within(values: Float64Array, { min, max }: NonNullable<FilterInput['price']>): Uint8Array {
  const from = min == null ? Number.NEGATIVE_INFINITY : hundredths(min);
  const to = max == null ? Number.POSITIVE_INFINITY : hundredths(max);
  return Uint8Array.from(values, (value) => Number(value >= from && value <= to));
}

/** One mask a constraint: products that have any of its values. */
function unions({ products, categories, tags, weights }: FilteredCatalog, facets: Facets): Uint8Array[] {
  const union = (lists: FilteredCatalog['tags'], names: readonly string[]) => {
    const mask = new Uint8Array(products);
    for (const name of names) for (const i of lists.get(name) ?? []) mask[i] = 1;
    return mask;
  };
  return [
    ...(facets.categories ? [union(categories, facets.categories)] : []),
    ...(facets.tags ? [union(tags, facets.tags)] : []),
    ...(facets.attributes ?? []).map(({ name, anyOf, range }) =>
      range
        ? within(
            weights.map((grams) => Math.round(grams * 100)),
            range,
          )
        : union(
            tags,
            (anyOf ?? []).map((value) => `${name}:${value}`),
          ),
    ),
  ];
}
