import { z } from 'zod';

/** Placement of a list of which nobody says where in the storefront it stands. */
export const DEFAULT_PLACEMENT = 'default';
/**
 * Placements of a catalog that are told apart, besides `default`: those that most visitors saw. Anybody may ask for a list of any name, and what is
 * beyond counts as `default` (ADR 27).
 */
export const MOST_PLACEMENTS = 20;

const LONGEST = 40;
const isSlug = (text: string): boolean => text.length <= LONGEST && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);

/** Lower-case letters and digits, and single dashes between them; nothing said means `default`. */
export const Placement = z
  .string()
  .refine(isSlug, {
    error: `must be 1 to ${LONGEST} lower-case letters and digits, with single dashes between them, e.g. product-page`,
  })
  .nullish()
  .transform((given) => given ?? DEFAULT_PLACEMENT);
