import type { Interval } from '../learning/metrics/intervals.ts';
import { offPolicyRates } from '../learning/metrics/off-policy.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import { fitExamination } from '../learning/relevance/examination.ts';
import { fitPropensity } from '../learning/relevance/propensity.ts';
import {
  agreement,
  type Candidate,
  clickWorld,
  exploringPairs,
  exploringWorld,
  isPromoted,
  loggedAnchors,
  ordersOf,
  placedWorld,
  triplets,
  trueRate,
  unplaced,
  type World,
  type WorldKind,
} from '../test/support/click-worlds.ts';

const WORLDS = 40;
const VIEWS = [20, 200, 2000];
const ORDERS = ['random', 'reversed', 'better'] as const;
const LISTS_OFF_POLICY = [20_000, 200_000];
const SIMULATED = 100;
const EXAMINED = 0.7;
const LISTS = [20_000, 200_000, 1_000_000];
const EXPONENTS = [0.2, 0.7, 1];
/** Exponents of a row and of a column. */
const PLACED = [
  [0.2, 1],
  [0.4, 0.8],
  [0.7, 0.7],
] as const;
const ASKED_OF: Readonly<Record<WorldKind, readonly Candidate[]>> = {
  served: ['random', 'reversed'],
  none: ['random', 'reversed'],
  noisy: ['random', 'reversed', 'better'],
  popular: ['random', 'reversed', 'popular', 'better'],
};

const PARTS = {
  gates: gateRows,
  exploring: exploringGateRows,
  exponents: exponentRows,
  placements: placementRows,
  'off-policy': offPolicyRows,
};

/**
 * Measures what the gates make of orders in worlds whose truth is known, and how far what is learned from clicks agrees with it.
 * @param seed of the first world of every row; those after it have the next ones
 * @param parts names of rows; all where none is named
 */
export async function clicks({ seed, parts }: { seed: number; parts: readonly string[] }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, rowsOf] of Object.entries(PARTS))
    if (parts.length === 0 || parts.includes(name)) rows.push(...(await rowsOf(seed)));
  return rows;
}

type Row = Record<string, string | number>;

/** The exponent of examination, as lists that explore let it be known: its mean and deviation over worlds, and how many are right. */
function exponentRows(seed: number): Row[] {
  return EXPONENTS.flatMap((examined) =>
    LISTS.map((lists) => {
      const found = Array.from(
        { length: WORLDS },
        (_, i) => fitPropensity(exploringPairs({ lists, share: 0.03, examined, seed: seed + i })).eta,
      );
      const mean = found.reduce((sum, eta) => sum + eta, 0) / WORLDS;
      const deviation = Math.sqrt(found.reduce((sum, eta) => sum + (eta - mean) ** 2, 0) / (WORLDS - 1));
      const within = found.filter((eta) => Math.abs(eta - examined) <= 0.1 * examined).length;
      const exponent = {
        examined,
        exponent: mean.toFixed(3),
        deviation: deviation.toFixed(3),
        within10Percent: within,
      };
      return { world: 'exploring', lists, ...exponent, worlds: WORLDS };
    }),
  );
}

/** Two placements: their exponents, as they are known one by one and as one, and the share of triplets that are wrong with these and with that. */
function placementRows(seed: number): Row[] {
  return PLACED.flatMap(([row, column]) =>
    LISTS.map((lists) => {
      const examined = { row, column };
      const worlds = Array.from({ length: WORLDS }, (_, i) =>
        placedWorld({ kind: 'noisy', lists, share: 0.03, examined, seed: seed + i }),
      );
      const mean = (of: (world: World) => number) => worlds.reduce((sum, one) => sum + of(one), 0) / WORLDS;
      const etaOf = (placement: string) => mean(({ pairs }) => fitExamination(pairs)(placement).eta).toFixed(3);
      const wrong = (world: World) => 1 - agreement(world, triplets(world));
      return {
        world: 'placements',
        lists,
        row,
        column,
        worlds: WORLDS,
        foundOfRow: etaOf('row'),
        foundOfColumn: etaOf('column'),
        foundOfBoth: mean(({ pairs }) => fitPropensity(pairs).eta).toFixed(3),
        wrong: mean(wrong).toFixed(5),
        wrongAsOne: mean((world) => wrong(unplaced(world))).toFixed(5),
      };
    }),
  );
}

/** How often the interval of an off-policy estimate holds what an order really gets, and what it gets more than the served one. */
async function offPolicyRows(seed: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const candidate of ORDERS)
    for (const lists of LISTS_OFF_POLICY) {
      let [snips, robust, difference] = [0, 0, 0];
      for (let i = 0; i < SIMULATED; i++) {
        const world = exploringWorld({ lists, share: 0.03, examined: EXAMINED, seed: seed + i });
        const [served, other] = [ordersOf(world, 'serving', 1), ordersOf(world, candidate, 100 + i)];
        const { rates, differences } = await offPolicyRates(loggedAnchors(world, served, other), {
          examination: fitExamination(world.pairs),
          random: makeRandom(1),
          draws: 200,
        });
        const truth = [served, other].map((orders) => trueRate(world, orders, EXAMINED));
        const holds = ({ low, high }: Interval, value: number) => Number(low <= value && value <= high);
        snips += holds(rates[1]!.snips!, truth[1]!);
        robust += holds(rates[1]!.doublyRobust, truth[1]!);
        difference += holds(differences[0]!, truth[1]! - truth[0]!);
      }
      const covered = { coveredBySnips: snips, coveredByDoublyRobust: robust, coveredDifference: difference };
      rows.push({ world: 'off-policy', lists, candidate, worlds: SIMULATED, ...covered, limit: 'at least 90' });
    }
  return rows;
}

/** Gates in worlds of lists that never change: of examination nothing is heard. */
function gateRows(seed: number): Row[] {
  return VIEWS.flatMap((views) =>
    (Object.keys(ASKED_OF) as WorldKind[]).flatMap((kind) => {
      const worlds = worldsOf((i) => clickWorld(kind, views, seed + i));
      const shares = worlds.map((one) => agreement(one, triplets(one))).filter(Number.isFinite);
      const agreed = kind === 'none' ? '' : (shares.reduce((sum, share) => sum + share, 0) / shares.length).toFixed(3);
      return ASKED_OF[kind].map((candidate) => {
        const limit = candidate === 'better' ? (views === 2000 ? 'at least 36' : '') : 'at most 1';
        return { world: kind, views, ...promotedOf(worlds, candidate, seed), limit, agreement: agreed };
      });
    }),
  );
}

/** Gates in worlds of lists that explore, in two placements: the exponents are known by what moved, with an error. */
function exploringGateRows(seed: number): Row[] {
  return PLACED.flatMap(([row, column]) =>
    LISTS.flatMap((lists) =>
      (['none', 'noisy'] as const).flatMap((kind) => {
        const examined = { row, column };
        const worlds = worldsOf((i) => placedWorld({ kind, lists, share: 0.03, examined, seed: seed + i }));
        return ASKED_OF[kind].map((candidate) => {
          const limit = candidate === 'better' ? '' : 'at most 1';
          return { world: `exploring, ${kind}`, lists, row, column, ...promotedOf(worlds, candidate, seed), limit };
        });
      }),
    ),
  );
}

const worldsOf = (of: (i: number) => World): World[] => Array.from({ length: WORLDS }, (_, i) => of(i));

function promotedOf(worlds: readonly World[], candidate: Candidate, seed: number) {
  const promoted = worlds.filter((world, i) => isPromoted(world, candidate, seed + 99 + i)).length;
  return { candidate, worlds: worlds.length, promoted };
}
