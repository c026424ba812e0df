import { makeRandom } from '@simili/learning/numbers/random';
import type { Ask } from './client.ts';
import { nothingSent, type Sent, sendVisitors } from './crowd.ts';
import { exposureIn, type Farm, openFarm, scout } from './farm.ts';
import type { Simulation, Surroundings } from './options.ts';
import type { Scene } from './scene.ts';
import { usualHabits } from './shopper.ts';
import type { Taste } from './taste.ts';

/** Everybody who shops in a simulation, group by group. `exposure`: of the pushed product now; null: there is no farm. */
export type Shopping = {
  readonly run: string;
  readonly total: Sent;
  readonly pushed: string | null;
  exposure(): Promise<number | null>;
  /** @returns whether this group chose something and the server stored what it told */
  go(taste: Taste): Promise<boolean>;
};

/** Opens a simulation's shopping; where there is a farm, it looks for its product first. @throws SimiliError INVALID_ARGUMENT */
export async function openShopping(
  ask: Ask,
  { shown, filter }: Pick<Scene, 'shown' | 'filter'>,
  { shoppers, seed, fakes, push, purchasesOnly, trustBias, popularity }: Simulation,
  { stamp, progress, say, dwellMs }: Surroundings,
): Promise<Shopping> {
  const visible = new Set(shown);
  const market = { ask, filter, shown };
  const total = nothingSent();
  const run = stamp.newId();
  let farm: Farm | null = fakes.farm > 0 ? await openFarm(market, push, makeRandom(seed)) : null;
  const habits = { ...usualHabits, purchasesOnly, trust: trustBias, popularity };
  const place = {
    ...market,
    anchors: shown,
    shown: (id: string) => visible.has(id),
    habits,
    stamp,
    run,
    seed,
    dwellMs,
  };
  return {
    run,
    total,
    pushed: farm?.pushed ?? null,
    exposure: async () => farm && exposureIn(market, farm),
    async go({ standing }) {
      farm &&= await scout(market, farm);
      const bar = progress('shoppers', shoppers);
      const { clicks, accepted } = total;
      await sendVisitors(
        { ...place, standing, from: total.visitors, shares: fakes, farm },
        shoppers,
        total,
        bar.update,
      );
      bar.stop();
      for (const line of linesOf(total)) say(line);
      return total.clicks > clicks && total.accepted > accepted;
    },
  };
}

const linesOf = ({ visitors, sent, clicks, accepted, rejected, sentAgain, duplicates, problems }: Sent): string[] => [
  `${visitors} visitors: ${sent} events (${clicks} clicks), ${accepted} stored, ${rejected} rejected`,
  `  ${sentAgain} were sent twice, ${duplicates} were recognised as duplicates`,
  ...problems.map((problem) => `  rejected: ${problem}`),
];
