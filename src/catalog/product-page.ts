import { checked } from '../checked.ts';
import type { ProductRepository } from '../db/products.ts';
import type { ProductRow } from '../db/sql/product-row.ts';
import { SimiliError } from '../errors.ts';
import { pageSize } from '../shapes.ts';
import { isStorable } from '../text.ts';

export type ProductPage = {
  items: { product: ProductRow; cursor: string }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
};
type Request = {
  first?: number | null | undefined;
  after?: string | null | undefined;
};
type Deps = { products: Pick<ProductRepository, 'page'> };

export const DEFAULT_PAGE = 50;
export const MOST_PAGE = 100;
const Size = pageSize(MOST_PAGE, DEFAULT_PAGE);
const CURSOR_MARK = 'product:';

/** A page of the catalog in id order; `first` 1 to 100. @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID. */
export async function pageOfProducts({ products }: Deps, { first, after }: Request): Promise<ProductPage> {
  const size = checked(Size, first, 'first');
  const found = await products.page(size + 1, after == null ? null : readCursor(after));
  return {
    items: found.slice(0, size).map((product) => ({ product, cursor: makeCursor(product.id) })),
    hasNextPage: found.length > size,
    hasPreviousPage: after != null,
  };
}

const makeCursor = (id: string): string => Buffer.from(CURSOR_MARK + id, 'utf8').toString('base64url');

/** Not signed: it can only name a place in a list that anybody may read. */
function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith(CURSOR_MARK) || !isStorable(text)) throw new SimiliError('CURSOR_INVALID');
  return text.slice(CURSOR_MARK.length);
}
