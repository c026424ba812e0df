/** Sizes that pages are rounded up to: one of its own for each would be as many plans in every session, of which it keeps a hundred. */
const SIZES = [13, 25, 51];
/** Longer ones are asked for by who wants diversity or distinct pictures, and have a plan each. */
export const LONGEST_USUAL = SIZES[SIZES.length - 1]!;
/** How many products a page of `limit` is asked with. */
export const sizeFor = (limit: number): number => SIZES.find((one) => one >= limit) ?? limit;
