import { ownFormat } from './formats.ts';
import { type MoneyOptions, readMoney, Unreadable } from './money.ts';
import type { Raw } from './reader.ts';
import { isThere } from './readings.ts';
import { type ImportRow, toRow } from './row.ts';

type Judged = { row: ImportRow } | { problem: string };
/** A product from rows in our own fields. */
export type ProductReader = {
  judge(raw: Raw): Judged;
  /** The same, for good: what is not taken of it is counted. */
  read(raw: Raw): Judged;
  /** Remarks on rows that were taken, once for a file. */
  notes(): string[];
};
type Cut = 'image' | 'tags' | 'price';
const MOST = { image: 10, tags: 100 } as const;

/**
 * Checks rows; relative picture paths are taken from `folder`. Of what a shop's software exports, pictures and tags beyond
 * the greatest number are cut off, and prices without a currency are not taken; both are told in `notes`.
 * @throws SimiliError INVALID_ARGUMENT of a locale or a currency
 */
export function productReader(folder: string, options: MoneyOptions): ProductReader {
  const money = readMoney(options);
  const counts: Record<Cut, number> = { image: 0, tags: 0, price: 0 };
  const priced = ({ fields }: Raw): Record<string, unknown> => {
    const { price, currency } = money(fields.price, fields.currency);
    return { ...fields, price, currency: fields.currency || (isThere(price) ? currency : undefined) };
  };
  const prepared = (raw: Raw) =>
    raw.format === ownFormat ? { fields: priced(raw), cuts: [] } : fitted(priced(raw), raw);
  return {
    judge: (raw) => toRow(prepared(raw).fields, folder),
    read(raw) {
      const { fields, cuts } = prepared(raw);
      for (const cut of cuts) counts[cut] += 1;
      return toRow(fields, folder);
    },
    notes: () =>
      (Object.keys(counts) as Cut[]).filter((cut) => counts[cut] > 0).map((cut) => remarks[cut](counts[cut])),
  };
}

const remarks: Record<Cut, (products: number) => string> = {
  image: (n) => `of ${n} products with more than ${MOST.image} pictures the first ${MOST.image} are taken`,
  tags: (n) => `of ${n} products with more than ${MOST.tags} tags the first ${MOST.tags} are taken`,
  price: (n) =>
    `the file names no currency, so the prices of ${n} products are not taken: --currency EUR says which it is`,
};

/** Pictures and tags beyond what is kept cost no product. */
function fitted(fields: Record<string, unknown>, { format }: Raw): { fields: Record<string, unknown>; cuts: Cut[] } {
  const cuts: Cut[] = [];
  const fits = { ...fields };
  for (const name of ['image', 'tags'] as const) {
    const list = fields[name];
    if (!Array.isArray(list)) continue;
    const some = [...new Set(list.map((one) => (typeof one === 'string' ? one.trim() : one)))].filter(isThere);
    if (some.length > MOST[name]) cuts.push(name);
    fits[name] = some.slice(0, MOST[name]);
  }
  const { price, currency } = fields;
  if (format.withoutCurrency && isThere(price) && !(price instanceof Unreadable) && !currency) {
    cuts.push('price');
    fits.price = undefined;
  }
  return { fields: fits, cuts };
}
