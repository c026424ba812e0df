import {
  entryBoolean,
  entryDecimal,
  entryId,
  entryList,
  entryOf,
  entryText,
  entryVersion,
  type Judged,
  judge,
} from '../entries.ts';
import type { ProductDraft } from './check-product.ts';

const Product = entryOf({
  id: entryId,
  title: entryText,
  url: entryText.nullish(),
  imageUrls: entryList(entryText),
  categories: entryList(entryText).nullish(),
  tags: entryList(entryText).nullish(),
  price: entryDecimal.nullish(),
  currencyCode: entryText.nullish(),
  availableForSale: entryBoolean.nullish(),
  groupId: entryText.nullish(),
  version: entryVersion.nullish(),
});

/** Reads one product from plain JSON of the shape `ProductInput`: form only; `checkProduct` looks at what it says. Never throws. */
export const judgeProduct = (entry: unknown): Judged<ProductDraft> => judge(Product, entry);
