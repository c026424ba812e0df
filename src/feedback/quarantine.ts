import { z } from 'zod';
import { checked } from '../checked.ts';
import type { QuarantineRepository, QuarantineRow } from '../db/quarantines.ts';
import { SimiliError } from '../errors.ts';
import { ofLength, whole } from '../shapes.ts';
import { isUuid } from '../text.ts';

const id = z
  .string()
  .refine((text) => text !== '', 'must not be empty')
  .nullish();
/** Null and left out are the same. */
const Request = z
  .object({
    visitorId: id,
    anchorId: id,
    itemId: id,
    since: z.date().nullish(),
    until: z.date().nullish(),
    reason: z.string().refine(...ofLength(200)),
  })
  .refine(({ reason: _, ...slice }) => Object.values(slice).some((value) => value != null), {
    path: ['input'],
    error: 'must name a visitor, a product or a time: else it is all feedback',
  })
  .refine(({ since, until }) => !since || !until || since < until, { path: ['until'], error: 'must be after since' });
const PageSize = whole(1, 500);

export type { QuarantineRow };
/** The slice of feedback that nothing shall be derived from, and why. */
export type QuarantineRequest = z.input<typeof Request>;
export type QuarantinePage = { first: number; after: string | null; visitorId: string | null };

type Deps = { quarantines: QuarantineRepository };

/**
 * Puts a slice of feedback into quarantine: the next derivation is made without it. The same slice again changes nothing.
 * @throws SimiliError INVALID_ARGUMENT: no field at all, times the wrong way round
 */
export async function quarantineFeedback({ quarantines }: Deps, request: QuarantineRequest): Promise<QuarantineRow> {
  const {
    visitorId = null,
    anchorId = null,
    itemId = null,
    since = null,
    until = null,
    reason,
  } = checked(Request, request);
  return quarantines.add({ visitorId, anchorId, itemId, since, until }, reason, null);
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
  checked(PageSize, first, 'first');
  return quarantines.newest(first, after, visitorId);
}
