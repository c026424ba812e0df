import { randomUUID } from 'node:crypto';
import { EXAMINED, exposureOf } from '../../lab/simulate/exposure.ts';
import { deedsOf, dwell, type FakeKind } from '../../lab/simulate/fakes.ts';
import { makeRandom, type Random } from '../../learning/numbers/random.ts';
import { shuffled } from '../../learning/numbers/shuffled.ts';
import type { FeedbackKind } from '../../src/db/feedback.ts';
import type { PairStatistics } from '../../src/db/feedback-days.ts';
import { learnFromClicks } from '../../workers/training/triplets/clicks.ts';
import type { FreshDatabase } from './database.ts';

/** `kind`: null of a shopper. Times in ms of the day. */
export type BotEvent = {
  visitor: string;
  fake: FakeKind | null;
  kind: FeedbackKind;
  anchor: number;
  items: number[];
  positions: number[];
  listId: string;
  listedAt: number;
  occurredAt: number;
  receivedAt: number;
};
export type BotWorld = { lists: number[][]; events: BotEvent[] };

const ANCHORS = 60;
const PRODUCTS = 460;
const PLACES = 24;
const PUSHED = PRODUCTS - 1;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY_MS = 86_400_000;

/**
 * A day of a shop. Its shoppers look at few lists or at many, compare two products by going back and forth, have clocks that are minutes wrong, report
 * late, lose some impressions or all, and are quick; the product that is pushed stands low in every other list.
 * @param fakes how many of each kind there are
 */
export function botWorld(seed: number, shoppers: number, fakes: Partial<Record<FakeKind, number>>): BotWorld {
  const random = makeRandom(seed);
  const lists = Array.from({ length: ANCHORS }, (_, anchor) => {
    const items = shuffled(
      Array.from({ length: PRODUCTS - 1 - ANCHORS }, (_p, i) => ANCHORS + i),
      random,
    ).slice(0, PLACES);
    if (anchor % 2 === 0) items[17 + random.int(7)] = PUSHED;
    return items;
  });
  const wanted = new Map<string, number>();
  const attraction = (anchor: number, item: number): number => {
    const key = `${anchor} ${item}`;
    const own = wanted.get(key) ?? 0.08 * Math.exp(0.8 * random.gaussian());
    wanted.set(key, own);
    return own;
  };
  const events = Array.from({ length: shoppers }, (_, i) => shopper(`s${i}`, lists, attraction, random)).flat();
  for (const [kind, count] of Object.entries(fakes) as [FakeKind, number][])
    for (let i = 0; i < count; i++) events.push(...fake(`${kind}${i}`, kind, lists, random));
  return { lists, events };
}

/** Deeds of one visitor with the lists that are shown to him, on a clock of his own. */
function visit(visitor: string, fake: FakeKind | null, lists: number[][], random: Random) {
  const events: BotEvent[] = [];
  let now = 8 * 60 * MINUTE + random.int(12 * 60) * MINUTE;
  let list = { anchor: 0, listId: '', listedAt: 0 };
  const add = (kind: FeedbackKind, items: number[]) => {
    const positions = items.map((item) => lists[list.anchor]!.indexOf(item) + 1);
    events.push({ visitor, fake, kind, items, positions, ...list, occurredAt: now, receivedAt: now + 50 });
  };
  return {
    events,
    lists,
    wait(ms: number) {
      now += ms;
    },
    open(anchor = random.int(ANCHORS), isSeen = true): number[] {
      list = { anchor, listId: uuid(random), listedAt: now };
      if (isSeen) add('IMPRESSION', [...lists[anchor]!]);
      return lists[anchor]!;
    },
    act: (kind: FeedbackKind, item: number) => add(kind, [item]),
  };
}

function shopper(
  visitor: string,
  lists: number[][],
  attraction: (anchor: number, item: number) => number,
  random: Random,
): BotEvent[] {
  const { events, open, act, wait } = visit(visitor, null, lists, random);
  const is = (share: number) => random.next() < share;
  const [heavy, comparing, quick, forgetful, blocked] = [is(0.08), is(0.05), is(0.03), is(0.03), is(0.005)];
  const pages = heavy ? 15 + random.int(40) : 1 + random.int(3);
  for (let page = 0; page < pages; page++) {
    const anchor = random.int(ANCHORS);
    const items = open(anchor, !(blocked || (forgetful && is(0.4))));
    for (const [i, item] of items.entries()) {
      if (random.next() >= (heavy ? 2 : 1) * attraction(anchor, item) * (i + 1) ** -EXAMINED) continue;
      wait(dwell(random, quick ? 2 : 7));
      act('CLICK', item);
      for (let again = comparing ? random.int(4) : 0; again > 0; again--) {
        wait(dwell(random));
        act('CLICK', item);
      }
      if (is(0.15)) act('ADD_TO_CART', item);
    }
    wait(dwell(random));
  }
  if (is(0.1)) for (const { listId, items } of carts(events)) events.push(bought(events, listId, items));
  const skew = is(0.1) ? (random.next() - 0.5) * 8 * MINUTE : 0;
  const end = is(0.2) ? Math.max(...events.map(({ receivedAt }) => receivedAt)) : 0; // sends all at the end
  return events.map((event) => ({
    ...event,
    occurredAt: event.occurredAt + skew,
    receivedAt: Math.max(end, event.receivedAt),
  }));
}
const carts = (events: BotEvent[]) => events.filter(({ kind }) => kind === 'ADD_TO_CART');
/** A basket is paid for at once. */
function bought(events: BotEvent[], listId: string, items: number[]): BotEvent {
  const cart = events.find((one) => one.kind === 'ADD_TO_CART' && one.listId === listId && one.items[0] === items[0])!;
  const last = Math.max(...events.map(({ occurredAt }) => occurredAt));
  return { ...cart, kind: 'PURCHASE', occurredAt: last, receivedAt: last + 50 };
}

/** A visit of a bot or of somebody of a farm, in the lists of this day. */
function fake(visitor: string, kind: FakeKind, lists: number[][], random: Random): BotEvent[] {
  const { events, open, act, wait } = visit(visitor, kind, lists, random);
  let items: number[] = [];
  for (const deed of deedsOf(kind, { places: PLACES, anchors: ANCHORS / 2 }, random)) {
    if (deed.do === 'wait') wait(deed.ms);
    else if (deed.do === 'open') items = open(deed.anchor === null ? undefined : 2 * deed.anchor, deed.isSeen);
    else act('CLICK', deed.place === 'pushed' ? PUSHED : items[deed.place]!);
  }
  return events;
}

const uuid = (random: Random): string => {
  const hex = Array.from({ length: 4 }, () =>
    random
      .int(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};

/** Takes all feedback of a database away and stores a world's, as of a day that is over. @returns the moment after it */
export async function storeWorld({ storage, repositories }: FreshDatabase, events: readonly BotEvent[]): Promise<Date> {
  for (const table of ['event', 'day', 'rollup', 'spent', 'quarantine', 'click_through'])
    await storage.prisma.$executeRawUnsafe(`DELETE FROM simili.feedback_${table}`);
  const now = repositories.clock.now();
  const start = Math.floor(now.getTime() / DAY_MS) * DAY_MS - 3 * DAY_MS;
  const at = (ms: number) => new Date(start + ms).toISOString();
  const sent = events.map(({ anchor, items, listedAt, occurredAt, receivedAt, ...event }) => ({
    ...event,
    id: randomUUID(),
    anchor: `p${anchor}`,
    items: items.map((item) => `p${item}`),
    listed: at(listedAt),
    occurred: at(occurredAt),
    received: at(receivedAt),
  }));
  await storage.prisma.$executeRaw`
    INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id,
      occurred_at, received_at, list_id, listed_at)
    SELECT 'default', id, kind::simili.feedback_kind, visitor, anchor, items, positions, 'm', occurred, received, "listId", listed
    FROM jsonb_to_recordset(${JSON.stringify(sent)}::jsonb) AS e (id uuid, kind text, visitor text, anchor text, items text[],
      positions int[], "listId" uuid, listed timestamptz, occurred timestamptz, received timestamptz)`;
  return now;
}

/** Sum over all lists of k^-.7, k being the place of the pushed product in the order that feedback gives the list; as served where it says nothing. */
export function exposure(lists: readonly number[][], statistics: readonly PairStatistics[]): number {
  const indexOf = (id: string) => Number(id.slice(1));
  const seen = statistics.map(({ anchorId, itemId, ...row }) => ({
    ...row,
    anchor: indexOf(anchorId),
    item: indexOf(itemId),
  }));
  const columns = { categories: new Int32Array(PRODUCTS), splits: new Uint8Array(PRODUCTS) };
  const { relevance } = learnFromClicks(seen, columns, () => 0.1);
  const places = lists.flatMap((items, anchor) => {
    if (!items.includes(PUSHED)) return [];
    const of = (item: number) => relevance(anchor, item) ?? 0.1;
    const above = items.slice(0, items.indexOf(PUSHED)).filter((item) => of(item) >= of(PUSHED)).length;
    const overtaking = items.slice(items.indexOf(PUSHED) + 1).filter((item) => of(item) > of(PUSHED)).length;
    return [1 + above + overtaking];
  });
  return exposureOf(places);
}
