import type { Found, SearchRepository } from '../db/search/repository.ts';
import type { Answered, RecallAudit } from './recall-audit.ts';

export type Search = Pick<SearchRepository, 'nearestOfEach' | 'nearestOfAll' | 'nearestToVector'>;

/** The products themselves are not compared, so neither pictures nor labels of them are read. */
const EXACTLY = { way: 'exact', parts: { pictures: false, labels: false } } as const;

/** The same search, of whose lists some are asked again. Pages behind the first are not: they begin where an answer ended. */
export function audited(search: Search, audit: RecallAudit): Search {
  const offer = (behind: unknown, list: Answered): void => {
    if (behind === null && list.found.anchor === 'ranked') audit.offer(list);
  };
  return {
    async nearestOfEach(version, anchorIds, filter, limit, behind = null, how = {}) {
      const all = await audit.watch(() => search.nearestOfEach(version, anchorIds, filter, limit, behind, how));
      for (const [i, found] of all.entries()) {
        const exactly = async (): Promise<Found> => {
          const [one] = await search.nearestOfEach(version, [anchorIds[i]!], filter, limit, null, EXACTLY);
          return one!;
        };
        offer(behind, { version, limit, found, exactly });
      }
      return all;
    },
    async nearestOfAll(version, anchorIds, filter, limit, behind = null, how = {}) {
      const found = await audit.watch(() => search.nearestOfAll(version, anchorIds, filter, limit, behind, how));
      const exactly = () => search.nearestOfAll(version, anchorIds, filter, limit, null, EXACTLY);
      offer(behind, { version, limit, found, exactly });
      return found;
    },
    async nearestToVector(version, vector, filter, limit, behind = null, how = {}) {
      const found = await audit.watch(() => search.nearestToVector(version, vector, filter, limit, behind, how));
      const exactly = () => search.nearestToVector(version, vector, filter, limit, null, EXACTLY);
      offer(behind, { version, limit, found, exactly });
      return found;
    },
  };
}
