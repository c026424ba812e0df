import type { FeedbackRepository, FeedbackWrite } from '../db/feedback.ts';
import { SimiliError } from '../errors.ts';
import { positionOf, type ShownList, verifyList } from '../similarity/recommendation-id.ts';
import { isStorable, lengthOf } from '../text.ts';
import { type IncomingEvent, judgeEvent } from './judge-event.ts';

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
  rejections: EventRejection[];
};
type Deps = {
  feedback: Pick<FeedbackRepository, 'append'>;
  signingKey: string;
  now: () => Date;
};

const MOST_EVENTS = 100;
const MOST_ITEMS = 50;
const HOUR_MS = 3_600_000;
const FUTURE_HOURS = 24;
const PAST_DAYS = 30;

/**
 * Stores what shoppers did, in one commit, before it returns. Each event stands alone: a bad one is named in
 * `rejections` and the others are stored. Sent again, an event counts once.
 * @param entries plain JSON as it came, each of the shape `FeedbackEventInput`; nothing about them is taken for granted
 * @throws SimiliError INVALID_ARGUMENT when the whole call is refused: visitor id, number of events. Nothing is stored then.
 */
export async function submitFeedback(
  { feedback, signingKey, now }: Deps,
  visitorId: string,
  entries: readonly unknown[],
): Promise<FeedbackResult> {
  checkCall(visitorId, entries);
  const received = now();
  const listOf = remembering((recommendationId) => verifyList(signingKey, recommendationId, received));
  const rejections: EventRejection[] = [];
  const valid: FeedbackWrite[] = [];
  for (const [index, entry] of entries.entries()) {
    const judged = judgeEvent(entry);
    if ('error' in judged) {
      rejections.push({ index, ...judged });
      continue;
    }
    try {
      valid.push(toWrite(judged.value, visitorId, received, listOf));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      rejections.push({ index, field: [judged.value.key, ...error.field], error: error.reason });
    }
  }
  const unique = [...new Map(valid.map((event) => [event.eventId, event])).values()];
  const accepted = unique.length ? await feedback.append(unique) : 0;
  return { accepted, duplicates: valid.length - accepted, rejections };
}

function checkCall(visitorId: string, events: readonly unknown[]): void {
  if (lengthOf(visitorId) < 1 || lengthOf(visitorId) > 128 || !isStorable(visitorId)) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: 'visitor.id',
      why: 'must be text of 1 to 128 characters',
    });
  }
  if (events.length < 1 || events.length > MOST_EVENTS) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: 'events',
      why: `must hold 1 to ${MOST_EVENTS} events, not ${events.length}`,
    });
  }
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

function toWrite(
  event: IncomingEvent,
  visitorId: string,
  received: Date,
  listOf: (id: string) => ShownList,
): FeedbackWrite {
  checkTime(event.occurredAt, received);
  const list = readList(event, listOf);
  const itemIds = event.kind === 'IMPRESSION' ? seenItems(event.itemIds) : [...event.itemIds];
  const positions = itemIds.map((itemId) => {
    const position = positionOf(list, itemId);
    if (position !== null) return position;
    const field = event.kind === 'IMPRESSION' ? ['itemIds', String(event.itemIds.indexOf(itemId))] : ['itemId'];
    throw new Refusal(field, new SimiliError('NOT_IN_LIST', { itemId }));
  });
  return {
    ...{
      eventId: event.eventId,
      kind: event.kind,
      visitorId,
      itemIds,
      positions,
      occurredAt: event.occurredAt,
    },
    ...{ anchorId: list.anchorId, modelId: list.modelId ?? '' }, // a list with items has a model
  };
}

function readList({ recommendationId }: IncomingEvent, listOf: (id: string) => ShownList): ShownList {
  try {
    return listOf(recommendationId);
  } catch (error) {
    if (error instanceof SimiliError) throw new Refusal(['recommendationId'], error);
    throw error;
  }
}

/** A product seen twice in one impression was seen. */
function seenItems(itemIds: readonly string[]): string[] {
  if (itemIds.length < 1 || itemIds.length > MOST_ITEMS) {
    const why = `must hold 1 to ${MOST_ITEMS} products, not ${itemIds.length}`;
    throw new Refusal(['itemIds'], new SimiliError('INVALID_ARGUMENT', { argument: 'itemIds', why }));
  }
  return [...new Set(itemIds)];
}

function checkTime(occurredAt: Date, received: Date): void {
  const ahead = occurredAt.getTime() - received.getTime();
  if (ahead > FUTURE_HOURS * HOUR_MS) refuseTime(`is more than ${FUTURE_HOURS} hours ahead: check the sender's clock`);
  if (-ahead > PAST_DAYS * 24 * HOUR_MS) refuseTime(`is more than ${PAST_DAYS} days ago`);
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
