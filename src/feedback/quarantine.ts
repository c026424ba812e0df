import type { QuarantineRepository, QuarantineRow, Slice } from '../db/quarantines.ts';
import { SimiliError } from '../errors.ts';
import { isUuid, lengthOf } from '../text.ts';

export type { QuarantineRow };
/** The slice of feedback that nothing shall be derived from, and why. Null and left out are the same. */
export type QuarantineRequest = { readonly [key in keyof Slice]?: Slice[key] | undefined } & {
  readonly reason: string;
};
export type QuarantinePage = { first: number; after: string | null; visitorId: string | null };

type Deps = { quarantines: QuarantineRepository };

const LONGEST_REASON = 200;
const MOST_PAGE = 500;
const IDS = ['visitorId', 'anchorId', 'itemId'] as const;

/**
 * Puts a slice of feedback into quarantine: the next derivation is made without it. The same slice again changes nothing.
 * @throws SimiliError INVALID_ARGUMENT: no field at all, times the wrong way round
 */
export async function quarantineFeedback({ quarantines }: Deps, request: QuarantineRequest): Promise<QuarantineRow> {
  const { visitorId = null, anchorId = null, itemId = null, since = null, until = null, reason } = request;
  const slice: Slice = { visitorId, anchorId, itemId, since, until };
  for (const field of IDS) demand(field, slice[field] !== '', 'must not be empty');
  demand(
    'input',
    Object.values(slice).some((value) => value !== null),
    'must name a visitor, a product or a time: else it is all feedback',
  );
  demand('until', since === null || until === null || since < until, 'must be after since');
  const length = lengthOf(reason);
  demand('reason', length >= 1 && length <= LONGEST_REASON, `must be 1 to ${LONGEST_REASON} characters`);
  return quarantines.add(slice, reason, null);
}

/** Lets a slice count again, from the next derivation on. Again changes nothing. @throws SimiliError NOT_FOUND */
export async function releaseFeedback({ quarantines }: Deps, id: string): Promise<QuarantineRow> {
  const row = isUuid(id) ? await quarantines.release(id) : null;
  if (!row) throw new SimiliError('NOT_FOUND', { what: 'quarantine', id });
  return row;
}

/** Newest first, those that were released as well. @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID */
export async function listQuarantines(
  { quarantines }: Deps,
  { first, after, visitorId }: QuarantinePage,
): Promise<QuarantineRow[]> {
  demand(
    'first',
    Number.isInteger(first) && first >= 1 && first <= MOST_PAGE,
    `must be 1 to ${MOST_PAGE}, not ${first}`,
  );
  if (after !== null && !isUuid(after)) throw new SimiliError('CURSOR_INVALID');
  return quarantines.newest(first, after, visitorId);
}

function demand(argument: string, fine: boolean, why: string): void {
  if (!fine) throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}
