import { isAbsolute } from 'node:path';
import { SimiliError } from '../errors.ts';
import { digitsOf, isDecimal } from '../similarity/decimal.ts';
import { lengthOf } from '../text.ts';

/** A product as a sender describes it (`ProductInput` of the contract). */
export type ProductDraft = {
  id: string;
  title: string;
  url?: string | null | undefined;
  /** The one to show first; all are compared. */
  imageUrls: readonly string[];
  categories?: readonly string[] | null | undefined;
  tags?: readonly string[] | null | undefined;
  price?: string | null | undefined;
  currencyCode?: string | null | undefined;
  availableForSale?: boolean | null | undefined;
  /** Id of the product whose variant this is. */
  groupId?: string | null | undefined;
  version?: number | null | undefined;
  /** Revisions of pictures that are files, in the order of `imageUrls`: which content they have now. For importing only. */
  revisions?: readonly (string | null)[];
};
export type CheckOptions = {
  /** Also takes absolute paths on this machine as picture sources: for importing, never for the API. */
  localPaths?: boolean;
};

const MOST_URL_CHARACTERS = 2048;

/** @throws SimiliError INVALID_ARGUMENT; its `argument` is the path inside the product, e.g. `imageUrls.0`. */
export function checkProduct(draft: ProductDraft, { localPaths = false }: CheckOptions = {}): void {
  const { id, title, url, imageUrls, categories, tags, price, currencyCode, groupId, version } = draft;
  checkText('id', id, 200);
  checkText('title', title, 1000);
  if (url != null && !isWebUrl(url)) refuse('url', 'must be an http(s) URL');
  checkList('imageUrls', imageUrls, 10, (at, source) => checkSource(at, source, localPaths));
  checkList('categories', categories ?? [], 10, (at, category) => checkText(at, category, 200));
  checkList('tags', tags ?? [], 100, (at, tag) => checkText(at, tag, 200));
  checkPrice(price, currencyCode);
  if (groupId != null) checkText('groupId', groupId, 200);
  if (version != null && !(Number.isSafeInteger(version) && version >= 0))
    refuse('version', 'must be a whole number, 0 or more');
}

function checkText(argument: string, text: string, most: number): void {
  const length = lengthOf(text);
  if (length < 1 || length > most) refuse(argument, `must have 1 to ${most} characters, not ${length}`);
}

function checkList(
  argument: string,
  list: readonly string[],
  most: number,
  check: (at: string, entry: string) => void,
): void {
  if (list.length > most) refuse(argument, `may hold at most ${most} entries, not ${list.length}`);
  for (const [i, entry] of list.entries()) check(`${argument}.${i}`, entry);
}

function checkSource(argument: string, source: string, localPaths: boolean): void {
  if (isWebUrl(source) || (localPaths && isAbsolute(source))) return;
  refuse(argument, localPaths ? 'must be an http(s) URL or an absolute path' : 'must be an http(s) URL');
}

/** The column holds 10 digits before the point and 4 after it. */
function checkPrice(price: string | null | undefined, currencyCode: string | null | undefined): void {
  if (currencyCode != null && !/^[A-Z]{3}$/.test(currencyCode))
    refuse('currencyCode', 'must be three capitals (ISO 4217)');
  if (price == null) return;
  if (!isDecimal(price) || price.startsWith('-')) refuse('price', 'must be a decimal like "19.90", 0 or more');
  const { whole, fraction } = digitsOf(price);
  if (whole > 10 || fraction > 4) refuse('price', 'may have 10 digits before the point and 4 after it');
  if (currencyCode == null) refuse('currencyCode', 'is needed with a price');
}

export function isWebUrl(text: string): boolean {
  return lengthOf(text) <= MOST_URL_CHARACTERS && /^https?:\/\//i.test(text) && URL.canParse(text);
}

function refuse(argument: string, why: string): never {
  throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}
