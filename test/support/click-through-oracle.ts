import type { Deed } from './votes-oracle.ts';

/** Something a visitor did; `model` made the list. */
export type ClickDeed = Deed & { model: string };
type Cell = { visitors: number; impressions: number; choices: number; suppressed: number; rate: number; low: number };

/** Products that a visitor saw, and whether he chose them, in one cell (day, version, place and placement), each product of an anchor's list once. */
type Seen = Map<string, boolean>;
const dayOf = ({ receivedAt }: ClickDeed): string => receivedAt.toISOString().slice(0, 10);

/**
 * Click-through from the events themselves, by plain loops and without sums of squares: cells of one version, of one place, or of one placement.
 * @param fewest visitors of a cell that is shown
 */
export function clickThroughOracle(deeds: readonly ClickDeed[], fewest = 20) {
  const cells = new Map<string, Map<string, Seen>>();
  for (const isSeeing of [true, false])
    for (const deed of deeds.filter(({ kind }) => (kind === 'IMPRESSION') === isSeeing && kind !== 'DISMISS')) {
      const key = JSON.stringify([dayOf(deed), deed.model, deed.position, deed.placement ?? 'default']);
      const visitors = cells.get(key) ?? new Map<string, Seen>();
      const seen = visitors.get(deed.visitor) ?? new Map<string, boolean>();
      const product = JSON.stringify([deed.anchor, deed.item]);
      if (isSeeing) cells.set(key, visitors.set(deed.visitor, seen.set(product, false)));
      else if (seen.has(product)) seen.set(product, true);
    }
  const all = [...cells].map(([key, visitors]) => {
    const [day, model, position, placement] = JSON.parse(key) as [string, string, number, string];
    return { day, model, position, placement, visitors };
  });
  const by = (nameOf: (cell: (typeof all)[number]) => string, groupOf: (cell: (typeof all)[number]) => string) =>
    Object.fromEntries(
      [...new Set(all.map(nameOf))].map((name) => {
        const own = all.filter((cell) => nameOf(cell) === name);
        const shown = own.filter(({ visitors }) => visitors.size >= fewest);
        return [name, cellOf(shown, own.length - shown.length, groupOf)];
      }),
    );
  return {
    versions: by(
      ({ model }) => model,
      ({ day, model, placement }) => `${day} ${model} ${placement}`,
    ),
    places: by(
      ({ position }) => String(position),
      ({ day, model, placement }) => `${day} ${model} ${placement}`,
    ),
    placements: by(
      ({ placement }) => placement,
      ({ day, model, placement }) => `${day} ${model} ${placement}`,
    ),
  };
}

type Group = { day: string; model: string; position: number; placement: string; visitors: Map<string, Seen> };
function cellOf(shown: Group[], suppressed: number, groupOf: (cell: Group) => string): Cell | { suppressed: number } {
  const people = new Map<string, { n: number; c: number }>();
  for (const cell of shown)
    for (const [visitor, seen] of cell.visitors) {
      const key = `${groupOf(cell)} ${visitor}`;
      const one = people.get(key) ?? { n: 0, c: 0 };
      one.n += seen.size;
      one.c += [...seen.values()].filter(Boolean).length;
      people.set(key, one);
    }
  if (people.size === 0) return { suppressed };
  const all = [...people.values()];
  const sum = (of: (one: { n: number; c: number }) => number) => all.reduce((total, one) => total + of(one), 0);
  const [impressions, choices] = [sum(({ n }) => n), sum(({ c }) => c)];
  const rate = choices / impressions;
  return { visitors: all.length, impressions, choices, suppressed, rate, low: lowOf(all, impressions, rate) };
}

/** The lower end, found by halving: where the score of a rate with this many trials is 1.959964. */
function lowOf(all: { n: number; c: number }[], impressions: number, rate: number): number {
  const spread = all.reduce((total, { n, c }) => total + (c - rate * n) ** 2, 0);
  const variance = ((all.length / (all.length - 1)) * spread) / impressions ** 2;
  const alike = impressions ** 2 / all.reduce((total, { n }) => total + n * n, 0);
  const free = variance > 1e-15 ? (rate * (1 - rate)) / variance : alike;
  const trials = Math.min(impressions, Math.max(alike, free));
  let [low, high] = [0, rate];
  for (let turn = 0; turn < 100; turn++) {
    const middle = (low + high) / 2;
    const isFar = rate - middle > 1.959964 * Math.sqrt((middle * (1 - middle)) / trials);
    if (isFar) low = middle;
    else high = middle;
  }
  return low;
}
