import { fitPropensityExponent } from '../learning/relevance/propensity.ts';
import {
  agreement,
  type Candidate,
  clickWorld,
  exploringPairs,
  isPromoted,
  triplets,
  type WorldKind,
} from '../test/support/click-worlds.ts';

const WORLDS = 40;
const VIEWS = [20, 200, 2000];
const LISTS = [20_000, 200_000, 1_000_000];
const EXPONENTS = [0.2, 0.7, 1];
const ASKED: readonly [WorldKind, Candidate][] = [
  ['served', 'random'],
  ['served', 'reversed'],
  ['none', 'random'],
  ['none', 'reversed'],
  ['noisy', 'random'],
  ['noisy', 'reversed'],
  ['noisy', 'better'],
];

/** What the gates make of orders in worlds whose truth is known, and how far what is learned from clicks agrees with it. */
export async function clicks(): Promise<Row[]> {
  return [...gateRows(), ...exponentRows()];
}

type Row = Record<string, string | number>;

/** The exponent of examination, as lists that explore let it be known: its mean and deviation over worlds, and how many are right. */
function exponentRows(): Row[] {
  return EXPONENTS.flatMap((examined) =>
    LISTS.map((lists) => {
      const found = Array.from({ length: WORLDS }, (_, i) =>
        fitPropensityExponent(exploringPairs({ lists, share: 0.03, examined, seed: 1 + i })),
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

function gateRows(): Row[] {
  return VIEWS.flatMap((views) =>
    ASKED.map(([world, candidate]) => {
      const worlds = Array.from({ length: WORLDS }, (_, i) => clickWorld(world, views, 1 + i));
      const promoted = worlds.filter((one, i) => isPromoted(one, candidate, 100 + i)).length;
      const shares = worlds.map((one) => agreement(one, triplets(one))).filter(Number.isFinite);
      const agreed = world === 'none' ? '' : (shares.reduce((sum, share) => sum + share, 0) / shares.length).toFixed(3);
      const limit = candidate === 'better' ? (views === 2000 ? 'at least 36' : '') : 'at most 1';
      return { world, views, candidate, worlds: WORLDS, promoted, limit, agreement: agreed };
    }),
  );
}
