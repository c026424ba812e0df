import { withCents } from './price.ts';
import type { ProductRow } from './product-row.ts';
import { bool, int, orNull, type RowOf, text, texts } from './row.ts';

/** Parts that a list of products can do without, because its answer shows none of them. Left out: they come. */
export type Parts = {
  /** The first picture of each. */
  readonly pictures?: boolean;
  /** Categories and tags. */
  readonly labels?: boolean;
};

/** A product, or none: all is null. */
const Product = {
  id: orNull(text),
  title: orNull(text),
  url: orNull(text),
  price: orNull(text),
  currency: orNull(text),
  available: orNull(bool),
  groupId: orNull(text),
};
const Labels = { categories: orNull(texts), tags: orNull(texts) };
const FirstPicture = {
  imageId: orNull(text),
  source: orNull(text),
  state: orNull(text),
  width: orNull(int),
  height: orNull(int),
};
/** Columns of a product and of its first picture, as PRODUCT_COLUMNS selects them behind outer joins. */
export const ProductShape = { ...Product, ...Labels, ...FirstPicture };
/** SQL of them: of a product `p`, or of what `carriedOf` brought along, and of its first picture `i`. */
const SQL: Readonly<Record<keyof typeof ProductShape, (p: 'p' | 'n') => string>> = {
  id: (p) => `${p}.id`,
  title: (p) => `${p}.title`,
  url: (p) => `${p}.url`,
  price: (p) => `trim_scale(${p}.price)::text`,
  currency: (p) => `${p}.currency`,
  available: (p) => `${p}.available`,
  groupId: (p) => `${p}.group_id`,
  categories: (p) => `${p}.categories`,
  tags: (p) => `${p}.tags`,
  imageId: () => 'i.id',
  source: () => 'i.source',
  state: () => 'i.state::text',
  width: () => 'i.width',
  height: () => 'i.height',
};
/** The same of some parts alone; of the others there is no column. */
export const shapeOf = ({ pictures = true, labels = true }: Parts): typeof Product => ({
  ...Product,
  ...(labels && Labels),
  ...(pictures && FirstPicture),
});
/** Columns of a product that is there. A part that was left out has none; without a picture all of that is null. */
export type ProductColumns = Omit<ProductRow, 'image' | 'categories' | 'tags'> &
  Partial<Pick<ProductRow, 'categories' | 'tags'> & RowOf<typeof FirstPicture>>;
type State = NonNullable<ProductRow['image']>['state'];

/** @returns SQL of the values of shapeOf(parts), in its order */
export const valuesOf = (parts: Parts, p: 'p' | 'n'): string =>
  Object.keys(shapeOf(parts))
    .map((name) => SQL[name as keyof typeof SQL](p))
    .join();
/** @returns SQL of the columns of a product `q` that valuesOf reads */
export const carriedOf = ({ labels = true }: Parts): string =>
  `q.id, q.title, q.url, q.price, q.currency, q.available, q.group_id${labels ? ', q.categories, q.tags' : ''}`;
export const PRODUCT_COLUMNS = Object.entries(SQL)
  .map(([name, sql]) => `${sql('p')} AS "${name}"`)
  .join();

/** Reads products of values that `valuesOf(parts)` gave. @param first the place of the first of them among the values */
export function productsBy(parts: Parts, first: number): (values: readonly unknown[]) => ProductRow {
  const names = Object.keys(shapeOf(parts));
  return (values) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) row[names[i]!] = values[first + i];
    return productOf(row as ProductColumns);
  };
}

/** Copied name by name: what is left over of a row (`...rest`) takes as long as all else of a list's product. */
export function productOf(row: ProductColumns): ProductRow {
  const { imageId = null, price } = row;
  return {
    id: row.id,
    title: row.title,
    url: row.url,
    categories: row.categories ?? [],
    tags: row.tags ?? [],
    currency: row.currency,
    available: row.available,
    groupId: row.groupId,
    price: price === null ? null : withCents(price),
    image: imageId === null ? null : pictureOf(imageId, row),
  };
}

const pictureOf = (id: string, { source, state, width, height }: ProductColumns): ProductRow['image'] => ({
  id,
  source: source!,
  state: state as State,
  width: width!,
  height: height!,
});
