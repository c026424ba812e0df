import type { FakeKind } from '../lab/simulate/fakes.ts';
import { type BotWorld, botWorld, exposure, storeWorld } from '../test/support/bot-worlds.ts';
import { type FreshDatabase, freshDatabase } from '../test/support/database.ts';

type Row = Record<string, string | number>;
/** Worlds that nobody looked at when the rules' figures were set: that was done with seeds 1 to 5. */
const SEEDS = Array.from({ length: 12 }, (_, i) => 101 + i);
const SHOPPERS = 395;
const BOTS = ['crawler', 'hasty', 'replayer', 'blind'] as const;
const BOTS_OF_A_KIND = 4;
/** One visitor in a hundred. */
const FARM = 4;

/** Measures how many bots the rules find and how many shoppers they hit, and how far fake visitors get a product shown, in days whose visitors are known. */
export async function bots(): Promise<Row[]> {
  await using database = await freshDatabase();
  const found = new Map<string, number>();
  const pushed: Record<string, { within: number; without: number }[]> = { pusher: [], spreader: [] };
  for (const seed of SEEDS) {
    const fakes = Object.fromEntries(BOTS.map((kind) => [kind, BOTS_OF_A_KIND]));
    for (const farm of ['pusher', 'spreader'] as const) {
      const world = botWorld(farm === 'pusher' ? seed : seed + 100, SHOPPERS, { ...fakes, [farm]: FARM });
      const kindOf = new Map(world.events.map(({ visitor, fake }) => [visitor, fake ?? 'shopper']));
      const organic = await derived(database, world, farm);
      const within = await derived(database, world, null);
      for (const { visitorId } of await database.repositories.quarantines.newest(500, null, null)) {
        const kind = kindOf.get(visitorId!)!;
        found.set(kind, (found.get(kind) ?? 0) + 1);
      }
      const without = await unguarded(database, world);
      pushed[farm]!.push({ within: within / organic, without: without / organic });
    }
  }
  const visitors = (kind: string) =>
    SEEDS.length * (kind === 'shopper' ? 2 * SHOPPERS : BOTS.some((one) => one === kind) ? 2 * BOTS_OF_A_KIND : FARM);
  const rows = ['shopper', ...BOTS, 'pusher', 'spreader'].map((kind) => ({
    visitors: kind,
    days: visitors(kind),
    quarantined: found.get(kind) ?? 0,
    share: ((found.get(kind) ?? 0) / visitors(kind)).toFixed(4),
    limit: kind === 'shopper' ? 'at most 0.01' : kind === 'spreader' ? '' : 'at least 0.95',
  }));
  const farms = Object.entries(pushed).map(([farm, all]) => ({
    visitors: `1 % ${farm}`,
    days: all.length,
    exposure: mean(all.map(({ within }) => within)).toFixed(2),
    most: Math.max(...all.map(({ within }) => within)).toFixed(2),
    withoutRules: mean(all.map(({ without }) => without)).toFixed(2),
    limit: 'at most 1.5',
  }));
  return [...rows, ...farms];
}

const mean = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;

/** Exposure of the pushed product with the rules. @param left who stays away; null: nobody */
async function derived(database: FreshDatabase, { lists, events }: BotWorld, left: FakeKind | null): Promise<number> {
  const until = await storeWorld(
    database,
    events.filter(({ fake }) => fake === null || fake !== left),
  );
  return exposure(lists, await database.repositories.feedback.days.statistics(until));
}

/** The same, everybody being let out again. */
async function unguarded({ repositories }: FreshDatabase, { lists }: BotWorld): Promise<number> {
  for (const { id } of await repositories.quarantines.newest(500, null, null))
    await repositories.quarantines.release(id);
  return exposure(lists, await repositories.feedback.days.statistics(repositories.clock.now()));
}
