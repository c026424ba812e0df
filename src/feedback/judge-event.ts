import { z } from 'zod';
import type { FeedbackKind } from '../db/feedback.ts';
import { entryId, entryList, entryOf, entryTime, entryUuid, type Judged, judge, misfit } from '../entries.ts';
import { ofLength } from '../shapes.ts';

/** An event as a storefront sends it. `itemIds`: the 1 to 50 that were seen for an impression, else exactly one. */
export type IncomingEvent = {
  /** As the contract spells it: where to look for what is wrong. */
  key: EventKey;
  kind: FeedbackKind;
  /** In small letters, without braces. */
  eventId: string;
  occurredAt: Date;
  /** Null or left out only of a purchase with an order and of a view. */
  recommendationId?: string | null | undefined;
  orderId?: string | null | undefined;
  itemIds: readonly string[];
};

const KINDS = {
  impression: 'IMPRESSION',
  click: 'CLICK',
  addToCart: 'ADD_TO_CART',
  purchase: 'PURCHASE',
  dismiss: 'DISMISS',
  view: 'VIEW',
} as const satisfies Record<string, FeedbackKind>;
export type EventKey = keyof typeof KINDS;
const MOST_ITEMS = 50;
const KEYS = Object.keys(KINDS) as EventKey[];

const common = { eventId: entryUuid, occurredAt: entryTime };
const listed = { ...common, recommendationId: entryId };
const ofOne = <Rest extends object>({ itemId, ...rest }: Rest & { itemId: string }) => ({ ...rest, itemIds: [itemId] });
const Action = entryOf({ ...listed, itemId: entryId }).transform(ofOne);
const Purchase = entryOf({
  ...common,
  itemId: entryId,
  recommendationId: entryId.nullish(),
  orderId: entryId.pipe(z.string().refine(...ofLength(128))).nullish(),
})
  .refine(({ recommendationId, orderId }) => recommendationId != null || orderId != null, {
    path: ['recommendationId'],
    error: 'is missing: name the list that led here, or the order (orderId)',
  })
  .transform(ofOne);
const SHAPES: Record<EventKey, z.ZodType<Omit<IncomingEvent, 'key' | 'kind'>>> = {
  impression: entryOf({ ...listed, itemIds: entryList(entryId, MOST_ITEMS, 1) }),
  click: Action,
  addToCart: Action,
  purchase: Purchase,
  dismiss: Action,
  view: entryOf({ ...common, itemId: entryId }).transform(ofOne),
};
const AnyKind = z.looseObject({}, 'must be an object with one kind of event');

/**
 * Reads one event from plain JSON of the shape `FeedbackEventInput`: form only; list, time and products are looked at by
 * `submitFeedback`. GraphQL and POST /feedback both send their entries through it (by way of `submitFeedback`), so both
 * answer alike. Never throws: what does not fit comes back with its path inside the event, e.g. ['click', 'occurredAt'].
 */
export function judgeEvent(entry: unknown): Judged<IncomingEvent> {
  const outer = judge(AnyKind, entry);
  if ('error' in outer) return outer;
  const given = Object.keys(outer.value).filter((key) => outer.value[key] != null);
  const stranger = given.find((key) => !KEYS.includes(key as EventKey));
  if (stranger !== undefined) return misfit([stranger.slice(0, 40)], `is no kind of event: use ${KEYS.join(', ')}`);
  const [key, ...others] = given as EventKey[];
  if (!key || others.length > 0) return misfit([], `must have exactly one kind of event, not ${given.length}`);
  const inner = judge(SHAPES[key], outer.value[key]);
  if ('value' in inner) return { value: { key, kind: KINDS[key], ...inner.value } };
  const { field, error } = inner;
  return misfit([key, ...field], error.facts.why);
}
