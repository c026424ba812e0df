import {
  agreement,
  type Candidate,
  clickWorld,
  isPromoted,
  triplets,
  type WorldKind,
} from '../test/support/click-worlds.ts';

const WORLDS = 40;
const VIEWS = [20, 200, 2000];
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
export async function clicks(): Promise<Record<string, string | number>[]> {
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
