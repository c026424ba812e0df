import { createHash } from 'node:crypto';
import { checkCount } from '../checked.ts';
import { type FeedbackRepository, type FeedbackWrite, MOST_VISITORS } from '../db/feedback.ts';
import type { WriteWithoutList } from '../db/without-list.ts';
import { SimiliError } from '../errors.ts';
import { type IssuedList, positionOf, verifyList } from '../similarity/recommendation-id.ts';
import { type IncomingEvent, judgeEvent } from './judge-event.ts';
import { checkTime, Refusal } from './refusal.ts';
import { checkVisitor, type Visitor } from './visitor.ts';

/** `field`: path inside the event, e.g. ['click', 'itemId']. */
export type EventRejection = {
  index: number;
  field: string[];
  error: SimiliError;
};
export type FeedbackResult = {
  accepted: number;
  /** Valid events whose id was stored before, or stood earlier in the same call. */
  duplicates: number;
  /** Valid events that were not stored, for the visitor did not consent. */
  withoutConsent: number;
  rejections: EventRejection[];
};
type Deps = {
  feedback: Pick<FeedbackRepository, 'append' | 'appendWithoutList'>;
  signingKey: string;
  now: () => Date;
};

const MOST_EVENTS = 100;
/** Age of an event that no list bounds. */
const OLDEST_DAYS = 30;
const DAY_MS = 86_400_000;

/** An event that can be stored, and where it stood in the call. */
type Valid<Write> = { index: number; key: string; write: Write };
type Judged = { listed: Valid<FeedbackWrite>[]; unlisted: Valid<WriteWithoutList>[]; rejections: EventRejection[] };

/**
 * Stores what shoppers did before it returns, events about lists in one commit and then those without one, which go under a list that showed their product
 * before. Each event stands alone: a bad one is named in `rejections` and the others are stored. Sent again, an event counts once.
 * @param entries plain JSON as it came, each of the shape `FeedbackEventInput`; nothing about them is taken for granted
 * @throws SimiliError INVALID_ARGUMENT when the whole call is refused: visitor id, number of events. Nothing is stored then.
 */
export async function submitFeedback(
  { feedback, signingKey, now }: Deps,
  visitor: Visitor,
  entries: readonly unknown[],
): Promise<FeedbackResult> {
  checkVisitor(visitor.id);
  checkCount('events', entries, MOST_EVENTS);
  const received = now();
  const listOf = remembering((recommendationId) => verifyList(signingKey, recommendationId, received));
  const judged: Judged = { listed: [], unlisted: [], rejections: [] };
  for (const [index, entry] of entries.entries()) judgeInto(judged, index, entry, { visitor, received, listOf });
  const { listed, unlisted, rejections } = judged;
  const valid = listed.length + unlisted.length;
  if (!visitor.consents) return { accepted: 0, duplicates: 0, withoutConsent: valid, rejections };
  const about = await storeListed(feedback, visitor.id, listed);
  const other = await storeUnlisted(feedback, visitor.id, unlisted);
  const late = [...about.late, ...other.late];
  const accepted = about.stored + other.stored;
  const all = [...rejections, ...late].sort((a, b) => a.index - b.index);
  return { accepted, duplicates: valid - late.length - accepted, withoutConsent: 0, rejections: all };
}

type Around = { visitor: Visitor; received: Date; listOf: (id: string) => IssuedList };

function judgeInto({ listed, unlisted, rejections }: Judged, index: number, entry: unknown, around: Around): void {
  const judged = judgeEvent(entry);
  if ('error' in judged) {
    rejections.push({ index, ...judged });
    return;
  }
  const { key, orderId, ...rest } = judged.value;
  const event = orderId == null ? rest : { ...rest, eventId: orderEventId(around.visitor.id, orderId, rest.itemIds) };
  try {
    if (event.recommendationId == null) unlisted.push({ index, key, write: withoutList(event, around.received) });
    else listed.push({ index, key, write: toWrite(event, around.listOf(event.recommendationId), around.received) });
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof SimiliError)) throw error;
    const [field, reason] = error instanceof Refusal ? [error.field, error.reason] : [['recommendationId'], error];
    rejections.push({ index, field: [key, ...field], error: reason });
  }
}

/** Count of events that were stored, and those that could not be after all. */
type Stored = { stored: number; late: EventRejection[] };

async function storeListed(
  feedback: Deps['feedback'],
  visitorId: string,
  valid: readonly Valid<FeedbackWrite>[],
): Promise<Stored> {
  if (valid.length === 0) return { stored: 0, late: [] };
  const { stored, full } = await feedback.append(visitorId, unique(valid));
  const error = new SimiliError('TOO_MANY_VISITORS', { most: MOST_VISITORS });
  const late = valid.filter(({ write }) => full.includes(write.listId));
  return { stored, late: late.map(({ index, key }) => ({ index, field: [key, 'recommendationId'], error })) };
}

async function storeUnlisted(
  feedback: Deps['feedback'],
  visitorId: string,
  valid: readonly Valid<WriteWithoutList>[],
): Promise<Stored> {
  if (valid.length === 0) return { stored: 0, late: [] };
  const { stored, unknown } = await feedback.appendWithoutList(visitorId, unique(valid));
  const late = valid.filter(({ write }) => unknown.includes(write.itemId));
  const errorOf = (id: string) => new SimiliError('NOT_FOUND', { what: 'product', id });
  return {
    stored,
    late: late.map(({ index, key, write }) => ({ index, field: [key, 'itemId'], error: errorOf(write.itemId) })),
  };
}

const unique = <Write extends { eventId: string }>(valid: readonly Valid<Write>[]): Write[] => [
  ...new Map(valid.map(({ write }) => [write.eventId, write])).values(),
];

/** A product of an order has the same id however often a page sends it; the order itself is not stored. */
function orderEventId(visitorId: string, orderId: string, itemIds: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(['simili order', visitorId, orderId, itemIds]));
  return hash.digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
}

type Event = Omit<IncomingEvent, 'key' | 'orderId'>;

function withoutList({ eventId, kind, itemIds, occurredAt }: Event, received: Date): WriteWithoutList {
  const earliest = new Date(received.getTime() - OLDEST_DAYS * DAY_MS);
  checkTime(occurredAt, { at: earliest, why: `older than ${OLDEST_DAYS} days` }, received);
  return { eventId, kind, itemId: itemIds[0]!, occurredAt };
}

function toWrite(event: Event, issued: IssuedList, received: Date): FeedbackWrite {
  const list = rankedList(issued);
  checkTime(event.occurredAt, { at: list.issuedAt, why: 'before the list was made' }, received);
  const itemIds = [...new Set(event.itemIds)]; // a product seen twice in one impression was seen
  const positions = itemIds.map((itemId) => {
    const position = positionOf(list, itemId);
    if (position !== null) return position;
    const field = event.kind === 'IMPRESSION' ? ['itemIds', String(event.itemIds.indexOf(itemId))] : ['itemId'];
    throw new Refusal(field, new SimiliError('NOT_IN_LIST', { itemId }));
  });
  const { eventId, kind, occurredAt } = event;
  const { anchorId, modelId, listId, filtered, placement, issuedAt: listedAt, expiresAt: listExpiresAt } = list;
  const shown = { anchorId, modelId, listId, listedAt, listExpiresAt, filtered, placement };
  return { eventId, kind, itemIds, positions, occurredAt, ...shown };
}

/** A list that no model ranked by likeness tells nothing of it. */
function rankedList({ modelId, ...list }: IssuedList): IssuedList & { modelId: string } {
  if (modelId === null) throw new Refusal(['recommendationId'], new SimiliError('LIST_NOT_RANKED'));
  return { ...list, modelId };
}

/** All events of a call mostly carry the same few lists. */
function remembering<T>(read: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}
