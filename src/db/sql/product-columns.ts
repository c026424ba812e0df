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
/** Columns of a product `p` and of its first picture `i`, as PRODUCT_COLUMNS selects them behind outer joins. */
export const ProductShape = { ...Product, ...Labels, ...FirstPicture };
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

/** @returns SQL of the columns of shapeOf(parts), of a product `p` or of what `carriedOf` brought along */
export const columnsOf = ({ pictures = true, labels = true }: Parts, p: 'p' | 'n' = 'p'): string =>
  `${p}.id, ${p}.title, ${p}.url, trim_scale(${p}.price)::text AS price, ${p}.currency, ${p}.available, ${p}.group_id AS "groupId"${
    labels ? `, ${p}.categories, ${p}.tags` : ''
  }${pictures ? ', i.id AS "imageId", i.source, i.state::text AS state, i.width, i.height' : ''}`;
/** @returns SQL of the columns of a product `q` that columnsOf reads */
export const carriedOf = ({ labels = true }: Parts): string =>
  `q.id, q.title, q.url, q.price, q.currency, q.available, q.group_id${labels ? ', q.categories, q.tags' : ''}`;
export const PRODUCT_COLUMNS = columnsOf({});

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
