import { DEFAULT_CATALOG, isCatalogId } from '../catalog-id.ts';
import type { CatalogRepository } from '../db/catalogs.ts';
import { type Deadline, within } from '../deadline.ts';
import { SimiliError } from '../errors.ts';

/** Which catalogs there are, known without asking the database for each request. */
export type KnownCatalogs = {
  /**
   * @param deadline of the request that asks; null or left out: that which is followed
   * @throws SimiliError CATALOG_UNKNOWN.
   */
  check(id: string, deadline?: Deadline | null): Promise<void>;
};

/** After this one that is known is looked up again, beside the answers, which need not wait for it. */
const FRESH_MS = 1000;

/** @param clock ms, which neither goes back nor stands still */
export function knowCatalogs(
  catalogs: Pick<CatalogRepository, 'exists'>,
  clock: () => number = () => performance.now(),
): KnownCatalogs {
  /** When each that is known was looked up last. */
  const seen = new Map<string, number>();
  const look = async (id: string, at: number, deadline: Deadline | null): Promise<boolean> => {
    const exists = await within(deadline, () => catalogs.exists(id));
    if (exists) seen.set(id, at);
    else seen.delete(id);
    return exists;
  };
  return {
    async check(id, deadline = null) {
      if (id === DEFAULT_CATALOG) return;
      const at = clock();
      const last = seen.get(id);
      if (last === undefined) {
        if (!(isCatalogId(id) && (await look(id, at, deadline))))
          throw new SimiliError('CATALOG_UNKNOWN', { catalog: id });
      } else if (at - last >= FRESH_MS) {
        seen.set(id, at); // nobody else looks meanwhile
        look(id, at, deadline).catch(() => {}); // while the database is away, it is there as it was
      }
    },
  };
}
