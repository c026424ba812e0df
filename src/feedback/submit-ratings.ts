import { checkCount } from '../checked.ts';
import type { ProductRepository } from '../db/products.ts';
import type { Rating, RatingRepository } from '../db/ratings.ts';
import { entryId, entryOf, judge } from '../entries.ts';
import { SimiliError } from '../errors.ts';

/** `index`: place among the given ratings; `field`: path inside the rating. */
export type RatingRejection = { index: number; field: string[]; error: SimiliError };
export type RatingResult = { accepted: number; duplicates: number; rejections: RatingRejection[] };
type Deps = {
  ratings: Pick<RatingRepository, 'append'>;
  products: Pick<ProductRepository, 'existing'>;
};

const MOST_RATINGS = 500;
const FIELDS = ['anchorId', 'positiveId', 'negativeId'] as const;
const RatingEntry = entryOf({ anchorId: entryId, positiveId: entryId, negativeId: entryId });

/**
 * Stores what people answered about products, in one commit, before it returns. Each rating stands alone: a bad one is
 * named in `rejections` and the others are stored. Of several answers to one question the last one counts.
 * @param given plain JSON, each of the shape `RatingInput`
 * @throws SimiliError INVALID_ARGUMENT when there are none or too many. Nothing is stored then.
 */
export async function submitRatings({ ratings, products }: Deps, given: readonly unknown[]): Promise<RatingResult> {
  checkCount('ratings', given, MOST_RATINGS);
  const judged = given.map((entry) => judge(RatingEntry, entry));
  const ids = new Set(judged.flatMap((entry) => ('value' in entry ? FIELDS.map((field) => entry.value[field]) : [])));
  const known = await products.existing([...ids]);
  const rejections: RatingRejection[] = [];
  const valid = new Map<string, Rating>();
  for (const [index, entry] of judged.entries()) {
    const rejection = 'error' in entry ? entry : problemOf(entry.value, known);
    if (rejection) rejections.push({ index, ...rejection });
    else if ('value' in entry) valid.set(questionOf(entry.value), entry.value);
  }
  const accepted = valid.size > 0 ? await ratings.append([...valid.values()]) : 0;
  return { accepted, duplicates: given.length - rejections.length - accepted, rejections };
}

function problemOf(rating: Rating, known: ReadonlySet<string>): Omit<RatingRejection, 'index'> | null {
  for (const field of FIELDS) {
    const id = rating[field];
    if (!known.has(id)) return { field: [field], error: new SimiliError('NOT_FOUND', { what: 'product', id }) };
  }
  const { anchorId, positiveId, negativeId } = rating;
  if (new Set([anchorId, positiveId, negativeId]).size === 3) return null;
  const why = 'must be three different products';
  return { field: [], error: new SimiliError('INVALID_ARGUMENT', { argument: 'rating', why }) };
}

/** The same for both answers to one question. */
const questionOf = ({ anchorId, positiveId, negativeId }: Rating): string =>
  JSON.stringify([anchorId, ...[positiveId, negativeId].sort()]);
