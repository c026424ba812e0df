import { type ClickCells, type ClickSums, type ClickThroughRepository, MOST_PLACES } from '../db/click-through.ts';
import { MOST_PLACEMENTS } from '../placement.ts';
import { type Rate, rateOf } from '../rate.ts';
import { daysUpTo } from './day-span.ts';

/** `until`: a moment of the last day; null: today. `modelVersionId` null: all versions. */
export type ClickThroughRequest = { days: number; until: Date | null; modelVersionId: string | null };
export type ClickThroughRate = Rate & Pick<ClickSums, 'visitors' | 'impressions' | 'choices'>;
/** `rate` null: too few visitors in every cell. */
type Shown = { rate: ClickThroughRate | null; suppressedCells: number };
export type ClickThrough = {
  /** From the start of the first day to the end of the last, UTC. */
  since: Date;
  until: Date;
  days: number;
  daysPending: number;
  versions: (Shown & { modelVersionId: string })[];
  places: (Shown & { place: number })[];
  placements: (Shown & { placement: string })[];
};
type Deps = { clickThrough: Pick<ClickThroughRepository, 'days' | 'cells'>; now: () => Date };

const MOST_DAYS = 400;
const MOST_VERSIONS = 100;

/** How often visitors choose what they see, by version, by place and by placement. @throws SimiliError INVALID_ARGUMENT */
export async function clickThrough(
  { clickThrough: stored, now }: Deps,
  { days, until, modelVersionId }: ClickThroughRequest,
): Promise<ClickThrough> {
  const { since, until: end, first, last } = daysUpTo(until ?? now(), days, MOST_DAYS);
  const span = { first, last, modelId: modelVersionId };
  const [known, cells] = await Promise.all([stored.days(span), stored.cells(span)]);
  return {
    since,
    until: end,
    days: known.counted,
    daysPending: known.pending,
    versions: versionsOf(cells),
    places: placesOf(cells),
    placements: placementsOf(cells),
  };
}

/** Its rows of all places say a version's sums, those of its places what is left out. */
function versionsOf(cells: readonly ClickCells[]): ClickThrough['versions'] {
  const latest = [...cells].sort((a, b) => (a.lastDay < b.lastDay ? 1 : a.lastDay > b.lastDay ? -1 : 0));
  return grouped(latest, ({ modelId }) => modelId)
    .slice(0, MOST_VERSIONS)
    .map(([modelVersionId, own]) => ({ modelVersionId, ...ofAllPlaces(own) }));
}

/** The one that most visitors saw first. */
function placementsOf(cells: readonly ClickCells[]): ClickThrough['placements'] {
  return grouped(cells, ({ placement }) => placement)
    .map(([placement, own]) => ({ placement, ...ofAllPlaces(own) }))
    .sort((a, b) => (b.rate?.visitors ?? 0) - (a.rate?.visitors ?? 0) || (a.placement < b.placement ? -1 : 1))
    .slice(0, MOST_PLACEMENTS + 1);
}

const ofAllPlaces = (cells: readonly ClickCells[]): Shown => ({
  rate: rateOfCells(cells.filter(({ position }) => position === 0)),
  suppressedCells: suppressedIn(cells.filter(({ position }) => position > 0)),
});

function placesOf(cells: readonly ClickCells[]): ClickThrough['places'] {
  const seen = cells.filter(({ position }) => position >= 1 && position <= MOST_PLACES);
  return grouped(seen, ({ position }) => position)
    .sort(([a], [b]) => a - b)
    .map(([place, own]) => ({ place, rate: rateOfCells(own), suppressedCells: suppressedIn(own) }));
}

function grouped<Key>(cells: readonly ClickCells[], keyOf: (cell: ClickCells) => Key): [Key, ClickCells[]][] {
  const groups = new Map<Key, ClickCells[]>();
  for (const cell of cells) {
    const key = keyOf(cell);
    const own = groups.get(key);
    if (own) own.push(cell);
    else groups.set(key, [cell]);
  }
  return [...groups];
}

function rateOfCells(cells: readonly ClickCells[]): ClickThroughRate | null {
  const total = (of: keyof ClickSums): number => cells.reduce((sum, cell) => sum + cell[of], 0);
  const [visitors, impressions, choices] = [total('visitors'), total('impressions'), total('choices')];
  if (visitors === 0) return null;
  const squares = {
    impressionsSq: total('impressionsSq'),
    products: total('products'),
    choicesSq: total('choicesSq'),
  };
  return { visitors, impressions, choices, ...rateOf({ visitors, impressions, choices, ...squares }) };
}

const suppressedIn = (cells: readonly ClickCells[]): number => cells.reduce((sum, cell) => sum + cell.suppressed, 0);
