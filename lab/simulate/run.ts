import { makeRandom, type Random } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import type { Progress } from '../progress.ts';
import type { Interval } from './agreement.ts';
import { type Ask, type Endpoint, makeAsk } from './client.ts';
import { NOTHING_SENT, type Sent, sendShoppers } from './crowd.ts';
import { compare, measure } from './measure.ts';
import type { Simulation, Surroundings } from './options.ts';
import type { Rankings } from './ranking.ts';
import { describeRetrain, type Measured, type Report, type Retrain } from './report.ts';
import { look, type Scene, setUp } from './scene.ts';
import { usualHabits } from './shopper.ts';
import { type Admin, awaitQuiet, awaitServing, awaitTraining, type Training, trainOnFeedback } from './training.ts';

const MOST_EXCLUDED = 200;

/**
 * The whole loop through the public API: measure, shop, train, measure on products that nobody saw. Every training moves
 * the ranking: what the clicks did is the difference to a run with no shoppers. It never shows how good the product is for
 * people: these are none.
 * @throws SimiliError SERVER_UNREACHABLE, SERVER_REFUSED, CATALOG_TOO_SMALL, INVALID_ARGUMENT.
 */
export async function simulate(options: Simulation, around: Surroundings): Promise<Report> {
  const { url, adminKey, catalog, seed, shoppers } = options;
  const ask = makeAsk({ url: `${url}/graphql`, catalog });
  const random = makeRandom(seed);
  const admin = adminKey === undefined ? null : openAdmin({ url, key: adminKey, catalog }, around);
  const scene = await setUp(ask, options, random, around);
  if (admin) await awaitQuiet(admin);

  const before = await look(ask, url, scene, 'before', around);
  const first = told(before.model, measure(before.rankings, scene.taste, random), url);

  const total: Sent = { ...NOTHING_SENT, problems: [] };
  const about = { taste: options.taste, shoppers, seed };
  const shopping = (from: number) => goShopping(ask, scene, { ...options, from }, total, around);
  if (!admin) {
    await shopping(0);
    return {
      ...about,
      events: eventsOf(total),
      before: first,
      after: null,
      difference: null,
      promoted: null,
      retrains: [],
    };
  }
  const retrains: Retrain[] = [];
  let [last, after] = [before, before];
  for (let round = 0; round < Math.max(1, options.retrains); round++) {
    const ended = await nextTraining(admin, options, () => shopping(total.shoppers));
    around.say(
      ended.model
        ? `Promoted: ${ended.model}`
        : 'The new version was not promoted (its gates are in the admin API): the old one serves on',
    );
    const seconds =
      ended.model === null ? null : ended.seconds + (await awaitServing(ask, scene.anchors[0]!, ended.model));
    after = await look(ask, url, scene, 'after', around);
    const gained = compared(last, after, scene, random, url);
    retrains.push({
      ...gained.after,
      gain: gained.difference,
      promoted: ended.model !== null,
      seconds,
      clicks: total.clicks,
    });
    around.say(describeRetrain(retrains.at(-1)!, retrains.length));
    last = after;
  }
  const whole = compared(before, after, scene, random, url);
  return { ...about, events: eventsOf(total), ...whole, promoted: retrains.at(-1)!.promoted, retrains };
}

/** Shops, then has the server train: by itself where it is to, else as it is asked. */
async function nextTraining(
  admin: Admin,
  { retrains, shoppers, trainSeconds }: Simulation,
  shopping: () => Promise<void>,
): Promise<Training> {
  if (retrains > 0 && shoppers > 0) return awaitTraining(admin, shopping);
  await shopping();
  return trainOnFeedback(admin, trainSeconds);
}

function compared(before: Rankings, after: Rankings, { taste }: Scene, random: Random, url: string) {
  const both = compare(before.rankings, after.rankings, taste, random);
  return {
    before: told(before.model, both?.before ?? null, url),
    after: told(after.model, both?.after ?? null, url),
    difference: both!.difference,
  };
}

/** One group of shoppers, of whom the first has the number `from`. Adds to `total`. */
async function goShopping(
  ask: Ask,
  { shown, heldOut, taste }: Scene,
  { shoppers, seed, from }: Simulation & { from: number },
  total: Sent,
  { stamp, progress, say }: Surroundings,
): Promise<void> {
  const bar = progress('shoppers', shoppers);
  const visible = new Set(shown);
  const where = {
    ask,
    stamp,
    seed,
    from,
    habits: usualHabits,
    standing: taste.standing,
    anchors: shown,
    run: stamp.newId(),
    shown: (id: string) => visible.has(id),
    excludeIds: heldOut.length <= MOST_EXCLUDED ? heldOut : [],
  };
  await sendShoppers(where, shoppers, total, bar.update);
  bar.stop();
  say(
    `${total.shoppers} shoppers: ${total.sent} events (${total.clicks} clicks), ${total.accepted} stored, ${total.rejected} rejected`,
  );
  say(`  ${total.sentAgain} were sent twice, ${total.duplicates} were recognised as duplicates`);
  for (const problem of total.problems) say(`  rejected: ${problem}`);
}

const eventsOf = ({ problems: _, clicks: _clicks, shoppers: _shoppers, ...events }: Sent): Report['events'] => events;

function openAdmin({ url, key, catalog }: Omit<Endpoint, 'waitMs'>, { say, progress, pollMs }: Surroundings): Admin {
  let current = '';
  let bar: Progress | null = null;
  return {
    ask: makeAsk({ url: `${url}/admin/graphql`, ...(key !== undefined && { key }), catalog }),
    url: `${url}/admin/graphql`,
    pollMs,
    onJob({ id, state, progress: share }, whose) {
      if (id !== current) {
        current = id;
        say(
          whose === 'other'
            ? `Waiting for job ${id}, which was already on its way`
            : `Training: job ${id}${whose === 'server' ? ', begun by the server itself' : ''}`,
        );
        bar = progress('job, %', 100);
      }
      bar?.update(Math.round(100 * share));
      if (state === 'QUEUED' || state === 'RUNNING') return;
      bar?.stop();
      bar = null;
    },
  };
}

function told(model: string | null, agreement: Interval | null, url: string): Measured {
  if (!agreement)
    throw new SimiliError('SERVER_REFUSED', {
      url,
      code: 'COLD_ITEM',
      why: 'no held-out product has a list to measure',
    });
  return { model, agreement: agreement.mean, low: agreement.low, high: agreement.high };
}
