import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { digitsOf } from '../decimal.ts';
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
import { ofLength } from '../shapes.ts';
import { lengthOf } from '../text.ts';
import { isSentFile, type SentFile } from './uploaded-picture.ts';

/** Pictures of a product. */
const MOST_PICTURES = 10;
const MOST_URL_CHARACTERS = 2048;
/** The address of a product's page is looked up: an entry of its index in Postgres has 2,704 bytes at most, with the catalog's id. */
const MOST_URL_BYTES = 2048;

export const isWebUrl = (text: string): boolean =>
  lengthOf(text) <= MOST_URL_CHARACTERS && /^https?:\/\//i.test(text) && URL.canParse(text);

/** Told by itself: an address that is signed may be long, and is a URL all the same. A path is no address. */
const address = entryText.refine(
  (text) => isAbsolute(text) || lengthOf(text) <= MOST_URL_CHARACTERS,
  'may have at most 2,048 characters',
);
const webUrl = address.refine(isWebUrl, 'must be an http(s) URL');
const source = address.refine(
  (text) => isWebUrl(text) || isAbsolute(text),
  'must be an http(s) URL or an absolute path',
);
const name = entryText.refine(...ofLength(200));
const common = {
  id: entryId.refine(...ofLength(200)),
  title: entryText.refine(...ofLength(1000)),
  url: webUrl
    .refine((text) => Buffer.byteLength(text) <= MOST_URL_BYTES, 'may have at most 2,048 bytes in UTF-8')
    .nullish(),
  categories: entryList(name, 10).nullish(),
  tags: entryList(name, 100).nullish(),
  price: entryDecimal
    .refine((price) => !price.startsWith('-'), 'must be a decimal like "19.90", 0 or more')
    .refine(fitsColumn, 'may have 10 digits before the point and 4 after it')
    .nullish(),
  currencyCode: entryText.regex(/^[A-Z]{3}$/, 'must be three capitals (ISO 4217)').nullish(),
  availableForSale: entryBoolean.nullish(),
  groupId: name.nullish(),
  version: entryVersion.nullish(),
};
const sentFile = z.custom<SentFile>(isSentFile, 'must be a file of a multipart request (docs/catalog.md)');
/** `ProductInput` of the contract: without pictures that are files it names addresses, if only none of them. */
const Product = priced(
  entryOf({
    ...common,
    pictures: entryList(sentFile, MOST_PICTURES).nullish(),
    imageUrls: entryList(webUrl, MOST_PICTURES).nullish(),
  }),
)
  .refine(({ pictures, imageUrls }) => pictures != null || imageUrls != null, {
    path: ['imageUrls'],
    error: 'is missing',
  })
  .refine(({ pictures, imageUrls }) => (pictures?.length ?? 0) + (imageUrls?.length ?? 0) <= MOST_PICTURES, {
    path: ['pictures'],
    error: `and imageUrls may hold at most ${MOST_PICTURES} entries together`,
  })
  .transform(({ imageUrls, ...rest }) => ({ ...rest, imageUrls: imageUrls ?? [] }));
/**
 * A product of an import: pictures may be files of this machine, in whose order `revisions` tells which content they have
 * now; `refresh`: all of them are read again.
 */
const ImportedProduct = priced(
  entryOf({
    ...common,
    imageUrls: entryList(source, MOST_PICTURES),
    revisions: z.array(z.string().nullable()).optional(),
    refresh: z.boolean().optional(),
  }),
);

/** A product as a sender describes it; of `pictures` and then `imageUrls` the first is shown and all are compared. */
export type ProductDraft = z.output<typeof ImportedProduct> & { pictures?: readonly SentFile[] | null | undefined };

/** Reads one product from plain JSON of the shape `ProductInput`. Never throws. */
export const judgeProduct = (entry: unknown): Judged<ProductDraft> => judge(Product, entry);
/** The same for a product of an import. */
export const judgeImported = (entry: unknown): Judged<ProductDraft> => judge(ImportedProduct, entry);

function fitsColumn(price: string): boolean {
  const { whole, fraction } = digitsOf(price);
  return whole <= 10 && fraction <= 4;
}

function priced<T extends z.ZodType<{ price?: string | null | undefined; currencyCode?: string | null | undefined }>>(
  shape: T,
) {
  return shape.refine(({ price, currencyCode }) => price == null || currencyCode != null, {
    path: ['currencyCode'],
    error: 'is needed with a price',
  });
}
