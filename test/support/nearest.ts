import type { Found, SearchRepository } from '../../src/db/search/repository.ts';
import type { Behind, SearchFilter } from '../../src/db/search/statement.ts';
import { pictureSpace, type VersionSpace } from '../../src/ports/space.ts';

/** Products that a search finds for one anchor. */
export async function nearestTo(
  search: SearchRepository,
  model: number,
  anchorId: string,
  filter: SearchFilter,
  limit: number,
  behind: Behind | null = null,
  spaces: readonly VersionSpace[] = [pictureSpace(2)],
): Promise<Found> {
  const [found] = await search.nearestOfEach({ number: model, spaces }, [anchorId], filter, limit, behind);
  return found as Found;
}
