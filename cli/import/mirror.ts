import type { ProductRepository } from '../../src/db/products.ts';

/** Percent of the products that an import may take away; more is a broken export rather than a sale. */
export const MOST_REMOVED = 10;
const PAGE = 1000;

/** The shop as it was when an import began: how many products there were, and when that was. */
export type Before = { count: number; at: Date };
/** Ids that a file names, whatever else is wrong with their rows, and how many rows name none that can be read. */
export type Named = { ids: Set<string>; unreadable: number };
/** `refused`: why nothing was taken away. */
export type Mirrored = { removed: number; refused: string | null };
type Options = {
  before: Before;
  /** Percent, 0 to 100. */
  most: number;
  dryRun: boolean;
};

/**
 * Takes what a file no longer names out of the shop, unless that is more than `most` percent of what was there before it, or
 * the file has rows whose id cannot be read: nobody knows then what it names. What others write while it is read stays: the
 * file cannot know of it.
 */
export async function mirror(
  products: Pick<ProductRepository, 'ids' | 'remove'>,
  named: Named,
  { before, most, dryRun }: Options,
): Promise<Mirrored> {
  const refused = (why: string) => ({ removed: 0, refused: `nothing was removed: ${why}` });
  if (named.unreadable > 0) {
    return refused(`the ids of ${named.unreadable} rows cannot be read, so nobody knows what is no longer in the file`);
  }
  const gone = await unnamed(products, named.ids, before.at);
  if (gone.length * 100 > most * before.count) {
    const percent = Math.ceil((100 * gone.length) / before.count);
    return refused(
      `${gone.length} of ${before.count} products are not in the file, ${percent} % (--remove-at-most ${percent} removes them; now ${most})`,
    );
  }
  if (dryRun) return { removed: gone.length, refused: null };
  let removed = 0;
  for (let at = 0; at < gone.length; at += PAGE) removed += await products.remove(gone.slice(at, at + PAGE), before.at);
  return { removed, refused: null };
}

/** Those that nobody has written since. */
async function unnamed(
  products: Pick<ProductRepository, 'ids'>,
  named: ReadonlySet<string>,
  since: Date,
): Promise<string[]> {
  const gone: string[] = [];
  for (let after: string | null = null; ; ) {
    const page: string[] = await products.ids(PAGE, after, since);
    gone.push(...page.filter((id) => !named.has(id)));
    after = page.at(-1) ?? null;
    if (page.length < PAGE) return gone;
  }
}
