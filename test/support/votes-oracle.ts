import type { FeedbackKind } from '../../src/db/feedback.ts';
import type { PairStatistics } from '../../src/db/feedback-days.ts';

/** One thing that a visitor did with one product, received at a moment. */
export type Deed = {
  visitor: string;
  kind: FeedbackKind;
  anchor: string;
  item: string;
  position: number;
  /** Left out: `default`. */
  placement?: string;
  filtered: boolean;
  receivedAt: Date;
};
/** A visitor's deeds with a product at a place on a day: one vote a kind. */
type Act = Pick<Deed, 'visitor' | 'anchor' | 'item' | 'position' | 'placement'> & {
  day: string;
  kinds: Set<FeedbackKind>;
  weight: number;
};
/** As `FeedbackWorth`. */
export type Worth = {
  values: { click: number; cart: number; purchase: number; dismiss: number };
  halfLifeDays: number;
};
/** The usual values; feedback of whatever day counts whole. */
export const UNFADING: Worth = { values: { click: 1, cart: 3, purchase: 6, dismiss: -1 }, halfLifeDays: 0 };
const DAY_MS = 86_400_000;

/**
 * Oracle of what shoppers' deeds are worth, told from them alone, day after day.
 * @param until whose day counts whole, where older ones fade
 * @param by 'day': a day takes what the days before have left; 'all': all days are one, as if all were known at once
 * @param all deeds by which placements are known: one in which nothing was ever seen counts for `default`
 */
export function votesOracle(
  deeds: readonly Deed[],
  by: 'day' | 'all',
  until: Date,
  worth = UNFADING,
  all = deeds,
): PairStatistics[] {
  const found = new Map<string, PairStatistics>();
  const told = new Set(all.filter(({ kind }) => kind === 'IMPRESSION').map(({ placement }) => placement));
  const spent = new Map<string, number>();
  const spentBy = (key: string) => spent.get(key) ?? 0;
  for (const acts of groups(actsOf(deeds), ({ day }) => (by === 'day' ? day : '')).values()) {
    const asked = sums(acts, () => 1, worth);
    const rooms = new Map(
      acts.map((act) => [
        act,
        Math.min(1, ...keysOf(act, worth).map(([key, most]) => part(most - spentBy(key), asked.get(key)!))),
      ]),
    );
    const room = (act: Act) => rooms.get(act)!;
    for (const [key, amount] of sums(acts, room, worth)) spent.set(key, spentBy(key) + amount);
    for (const act of acts) {
      const { placement = 'default' } = act;
      add(
        found,
        { ...act, placement: told.has(placement) ? placement : 'default' },
        fading(act, until, worth) * act.weight * room(act),
        worth,
      );
    }
  }
  return [...found.values()].sort(
    (a, b) =>
      compare(a.anchorId, b.anchorId) ||
      compare(a.itemId, b.itemId) ||
      a.position - b.position ||
      compare(last(a), last(b)),
  );
}

const part = (left: number, asked: number) => (asked > 0 ? Math.max(0, left / asked) : 1);
/** `default` comes last. */
const last = ({ placement }: PairStatistics) => (placement === 'default' ? '~' : placement);
const compare = (a: string, b: string) => Number(a > b) - Number(a < b);
const has = ({ kinds }: Act, kind: FeedbackKind) => Number(kinds.has(kind));
const positive = (act: Act, { values }: Worth) =>
  values.click * Math.max(has(act, 'CLICK'), has(act, 'VIEW')) +
  values.cart * has(act, 'ADD_TO_CART') +
  values.purchase * has(act, 'PURCHASE');
/** Two whole purchases and twenty votes, half of them about an anchor, a thousand sightings. */
function keysOf({ visitor, anchor }: Act, { values }: Worth): [string, number][] {
  const whole = values.click + values.cart + values.purchase;
  return [
    [`value ${visitor}`, 2 * whole],
    [`about ${visitor} ${anchor}`, whole],
    [`votes ${visitor}`, 20],
    [`votes ${visitor} ${anchor}`, 10],
    [`seen ${visitor}`, 1000],
  ];
}
const fading = ({ day }: Act, until: Date, { halfLifeDays }: Worth) =>
  halfLifeDays === 0 ? 1 : 0.5 ** ((Math.floor(until.getTime() / DAY_MS) - Date.parse(day) / DAY_MS) / halfLifeDays);

/** Acts by their first day. */
function actsOf(deeds: readonly Deed[]): Act[] {
  const byAct = groups(deeds, (d) =>
    [d.receivedAt.toISOString().slice(0, 10), d.visitor, d.anchor, d.item, d.position, d.placement ?? 'default'].join(
      ' ',
    ),
  );
  const acts = [...byAct].map(([key, own]) => ({
    ...own[0]!,
    day: key.slice(0, 10),
    kinds: new Set(own.map(({ kind }) => kind)),
    weight: own.every(({ filtered }) => filtered) ? 0.5 : 1,
  }));
  return acts.sort((a, b) => compare(a.day, b.day));
}

function sums(acts: readonly Act[], room: (act: Act) => number, worth: Worth): Map<string, number> {
  const found = new Map<string, number>();
  for (const act of acts) {
    const value = act.weight * room(act) * (positive(act, worth) - worth.values.dismiss * has(act, 'DISMISS'));
    const seen = act.weight * room(act) * has(act, 'IMPRESSION');
    const votes = act.weight * room(act) * Number(positive(act, worth) > 0 || has(act, 'DISMISS') > 0);
    const amounts = [value, value, votes, votes, seen];
    for (const [i, [key]] of keysOf(act, worth).entries()) found.set(key, (found.get(key) ?? 0) + amounts[i]!);
  }
  return found;
}

function add(found: Map<string, PairStatistics>, act: Act, vote: number, worth: Worth): void {
  if (vote <= 0) return;
  const { anchor: anchorId, item: itemId, position, placement = 'default' } = act;
  const key = `${anchorId} ${itemId} ${position} ${placement}`;
  const row = found.get(key) ?? { anchorId, itemId, position, placement, impressions: 0, clicks: 0, value: 0 };
  row.impressions += vote * has(act, 'IMPRESSION');
  row.clicks += vote * Number(positive(act, worth) > 0);
  row.value += vote * (positive(act, worth) + worth.values.dismiss * has(act, 'DISMISS'));
  found.set(key, row);
}

function groups<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const own = found.get(keyOf(one));
    if (own) own.push(one);
    else found.set(keyOf(one), [one]);
  }
  return found;
}
