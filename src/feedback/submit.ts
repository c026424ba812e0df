import { checkCount } from '../checked.ts';
import { type FeedbackRepository, type FeedbackWrite, MOST_VISITORS } from '../db/feedback.ts';
import { SimiliError } from '../errors.ts';
import { type IssuedList, positionOf, verifyList } from '../similarity/recommendation-id.ts';
import { type IncomingEvent, judgeEvent } from './judge-event.ts';
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
  feedback: Pick<FeedbackRepository, 'append'>;
  signingKey: string;
  now: () => Date;
};

const MOST_EVENTS = 100;
/** Clocks of shoppers and servers differ a little. */
const SKEW_MINUTES = 5;
const SKEW_MS = SKEW_MINUTES * 60_000;

/** An event that can be stored, and where it stood in the call. */
type Valid = { index: number; field: string[]; write: FeedbackWrite };

/**
 * Stores what shoppers did, in one commit, before it returns. Each event stands alone: a bad one is named in
 * `rejections` and the others are stored. Sent again, an event counts once.
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
  const rejections: EventRejection[] = [];
  const valid: Valid[] = [];
  for (const [index, entry] of entries.entries()) {
    const judged = judgeEvent(entry);
    if ('error' in judged) {
      rejections.push({ index, ...judged });
      continue;
    }
    const { key } = judged.value;
    try {
      const write = toWrite(judged.value, received, listOf);
      valid.push({ index, field: [key, 'recommendationId'], write });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      rejections.push({ index, field: [key, ...error.field], error: error.reason });
    }
  }
  if (!visitor.consents) return { accepted: 0, duplicates: 0, withoutConsent: valid.length, rejections };
  return stored(feedback, visitor.id, valid, rejections);
}

async function stored(
  feedback: Deps['feedback'],
  visitorId: string,
  valid: readonly Valid[],
  rejections: EventRejection[],
): Promise<FeedbackResult> {
  if (valid.length === 0) return { accepted: 0, duplicates: 0, withoutConsent: 0, rejections };
  const unique = new Map(valid.map(({ write }) => [write.eventId, write]));
  const { stored: accepted, full } = await feedback.append(visitorId, [...unique.values()]);
  const error = new SimiliError('TOO_MANY_VISITORS', { most: MOST_VISITORS });
  const late = valid.filter(({ write }) => full.includes(write.listId));
  rejections.push(...late.map(({ index, field }) => ({ index, field, error })));
  rejections.sort((a, b) => a.index - b.index);
  return { accepted, duplicates: valid.length - late.length - accepted, withoutConsent: 0, rejections };
}

/** Why one event is not stored, and which part of its kind is at fault. */
class Refusal extends Error {
  constructor(
    readonly field: string[],
    readonly reason: SimiliError,
  ) {
    super(reason.message);
  }
}

function toWrite(event: IncomingEvent, received: Date, listOf: (id: string) => IssuedList): FeedbackWrite {
  const list = rankedList(readList(event, listOf));
  checkTime(event.occurredAt, list, received);
  const itemIds = [...new Set(event.itemIds)]; // a product seen twice in one impression was seen
  const positions = itemIds.map((itemId) => {
    const position = positionOf(list, itemId);
    if (position !== null) return position;
    const field = event.kind === 'IMPRESSION' ? ['itemIds', String(event.itemIds.indexOf(itemId))] : ['itemId'];
    throw new Refusal(field, new SimiliError('NOT_IN_LIST', { itemId }));
  });
  const { eventId, kind, occurredAt } = event;
  const { anchorId, modelId, listId, filtered, issuedAt: listedAt, expiresAt: listExpiresAt } = list;
  const shown = { anchorId, modelId, listId, listedAt, listExpiresAt, filtered };
  return { eventId, kind, itemIds, positions, occurredAt, ...shown };
}

function readList({ recommendationId }: IncomingEvent, listOf: (id: string) => IssuedList): IssuedList {
  try {
    return listOf(recommendationId);
  } catch (error) {
    if (error instanceof SimiliError) throw new Refusal(['recommendationId'], error);
    throw error;
  }
}

/** A list that no model ranked by likeness tells nothing of it. */
function rankedList({ modelId, ...list }: IssuedList): IssuedList & { modelId: string } {
  if (modelId === null) throw new Refusal(['recommendationId'], new SimiliError('LIST_NOT_RANKED'));
  return { ...list, modelId };
}

/** Nobody acts on a list before it was made, nor later than now; that it is still valid was looked at before. */
function checkTime(occurredAt: Date, { issuedAt }: IssuedList, received: Date): void {
  const either = `${SKEW_MINUTES} minutes either way: check the sender's clock`;
  if (occurredAt.getTime() > received.getTime() + SKEW_MS) refuseTime(`is in the future, beyond ${either}`);
  if (occurredAt.getTime() < issuedAt.getTime() - SKEW_MS) refuseTime(`is before the list was made, beyond ${either}`);
}

function refuseTime(why: string): never {
  throw new Refusal(['occurredAt'], new SimiliError('TIME_OUT_OF_RANGE', { why }));
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
