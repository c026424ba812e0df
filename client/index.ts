export { type ClientOptions, type ListOf, SimiliClient } from './client.ts';
export { SimiliError, type SimiliErrorCode } from './errors.ts';
export type { Impression } from './impression.ts';
export {
  type ListOptions,
  PRODUCT_FIELDS,
  type Product,
  type SimilarItem,
  type SimilarItems,
  type Status,
  similarItemsDocument,
} from './list.ts';
export type { Delivery } from './outbox.ts';
export { priceOf } from './price.ts';
