import { withCents } from './price.ts';
import type { ProductRow } from './products.ts';
import { bool, int, orNull, type RowOf, text, texts } from './row.ts';

/** A product, or none: all is null. */
const Product = {
  id: orNull(text),
  title: orNull(text),
  url: orNull(text),
  categories: orNull(texts),
  tags: orNull(texts),
  price: orNull(text),
  currency: orNull(text),
  available: orNull(bool),
  groupId: orNull(text),
};
const FirstPicture = {
  imageId: orNull(text),
  source: orNull(text),
  state: orNull(text),
  width: orNull(int),
  height: orNull(int),
};
/** Columns of a product `p` and of its first picture `i`, as PRODUCT_COLUMNS selects them behind outer joins. */
export const ProductShape = { ...Product, ...FirstPicture };
/** The same of a product that is there; without a picture all of that is null. */
export type ProductColumns = Omit<ProductRow, 'image'> & RowOf<typeof FirstPicture>;
type State = NonNullable<ProductRow['image']>['state'];

const OWN_COLUMNS = `p.id, p.title, p.url, p.categories, p.tags, trim_scale(p.price)::text AS price, p.currency, p.available, p.group_id AS "groupId"`;
export const PRODUCT_COLUMNS = `${OWN_COLUMNS}, i.id AS "imageId", i.source, i.state::text AS state, i.width, i.height`;
/** The same of a product whose picture nobody asks for. */
export const WITHOUT_PICTURE = `${OWN_COLUMNS}, NULL::text AS "imageId", NULL::text AS source, NULL::text AS state, NULL::int AS width, NULL::int AS height`;

export function productOf({ imageId, source, state, width, height, price, ...row }: ProductColumns): ProductRow {
  const { id, title, url, categories, tags, currency, available, groupId } = row;
  return {
    id,
    title,
    url,
    categories,
    tags,
    currency,
    available,
    groupId,
    price: price === null ? null : withCents(price),
    image: imageId === null ? null : { id: imageId, source: source!, state: state as State, width, height },
  };
}
