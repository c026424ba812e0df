import { withCents } from './price.ts';
import type { ProductRow } from './products.ts';

/** Columns of a product `p` and of its first picture `i`, as PRODUCT_COLUMNS selects them. */
export type ProductColumns = Omit<ProductRow, 'image'> & {
  imageId: string | null;
  source: string;
  state: NonNullable<ProductRow['image']>['state'];
  width: number | null;
  height: number | null;
};

export const PRODUCT_COLUMNS = `p.id, p.title, p.url, p.categories, p.tags, trim_scale(p.price)::text AS price, p.currency, p.available, p.group_id AS "groupId",
  i.id AS "imageId", i.source, i.state::text AS state, i.width, i.height`;

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
    image: imageId === null ? null : { id: imageId, source, state, width, height },
  };
}
