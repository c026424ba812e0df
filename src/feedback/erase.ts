import { checkCount, checked } from '../checked.ts';
import type { ErasureRepository, ErasureRow, VisitorEvent, VisitorPlace } from '../db/erasures.ts';
import { SimiliError } from '../errors.ts';
import { whole } from '../shapes.ts';
import { isUuid } from '../text.ts';

/** A receipt: what was deleted and when, and the first version that learned without it. */
export type ErasureReceipt = ErasureRow & { trainedWithout: string | null };

const MOST_VISITORS = 500;
const PageSize = whole(1, 500);

type Deps = { erasures: ErasureRepository };

/**
 * Deletes all that visitors did, for good. A training that is on its way reads again what is left when it is taken up; the next one begins
 * without what versions before have learned (workers/handlers/train.ts).
 * @returns null: nothing was stored about them
 * @throws SimiliError INVALID_ARGUMENT
 */
export async function eraseVisitors({ erasures }: Deps, visitorIds: readonly string[]): Promise<ErasureReceipt | null> {
  checkCount('visitorIds', visitorIds, MOST_VISITORS);
  const row = await erasures.erase(visitorIds);
  return row && { ...row, trainedWithout: null };
}

/** @returns null: there is no such receipt. */
export async function erasureReceipt({ erasures }: Deps, id: string): Promise<ErasureReceipt | null> {
  const row = isUuid(id) ? await erasures.byId(id) : null;
  return row && { ...row, trainedWithout: await erasures.firstTrainedAfter(row.erasedAt) };
}

export type VisitorEventPage = { events: VisitorEvent[]; endCursor: string | null; hasNextPage: boolean };

/** A page of a visitor's events, in the order of receipt. @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID */
export async function visitorEvents(
  { erasures }: Deps,
  visitorId: string,
  { first, after }: { first: number; after: string | null },
): Promise<VisitorEventPage> {
  checked(PageSize, first, 'first');
  const place = after === null ? null : readPlace(after);
  const found = await erasures.eventsOf(visitorId, first + 1, place);
  const events = found.slice(0, first);
  const last = events.at(-1);
  return { events, endCursor: last ? placeOf(last) : null, hasNextPage: found.length > first };
}

const placeOf = ({ receivedAt, eventId }: VisitorPlace): string =>
  Buffer.from(`${receivedAt.toISOString()} ${eventId}`).toString('base64url');

/** Not signed: it can only name a place in a list that the administrator may read whole. */
function readPlace(cursor: string): VisitorPlace {
  const [time = '', eventId = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  const receivedAt = new Date(time);
  if (Number.isNaN(receivedAt.getTime()) || !isUuid(eventId)) throw new SimiliError('CURSOR_INVALID');
  return { receivedAt, eventId };
}
