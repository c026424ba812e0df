import { makeRandom, type Random } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import type { Progress } from '../progress.ts';
import type { Interval } from './agreement.ts';
import { type Endpoint, makeAsk } from './client.ts';
import type { Sent } from './crowd.ts';
import { quarantinedOf } from './found.ts';
import { compare, measure } from './measure.ts';
import type { Simulation, Surroundings } from './options.ts';
import type { Rankings } from './ranking.ts';
import { describeRetrain, type Measured, type Report, type Retrain } from './report.ts';
import { groupsOf } from './roles.ts';
import { look, setUp } from './scene.ts';
import { openShopping } from './shopping.ts';
import type { Taste } from './taste.ts';
import { type Admin, awaitQuiet, awaitServing, awaitTraining, type Training, trainOnFeedback } from './training.ts';

/**
 * The whole loop through the public API: measure, shop, train, measure on products that nobody saw. Every training moves
 * the ranking: what the clicks did is the difference to a run with no shoppers. It never shows how good the product is for
 * people: these are none.
 * @throws SimiliError SERVER_UNREACHABLE, SERVER_REFUSED, CATALOG_TOO_SMALL, INVALID_ARGUMENT.
 */
export async function simulate(options: Simulation, around: Surroundings): Promise<Report> {
  const { url, adminKey, catalog, seed, shoppers } = options;
  const rounds = roundsOf(options);
  const ask = makeAsk({ url: `${url}/graphql`, catalog });
  const random = makeRandom(seed);
  const admin = adminKey === undefined ? null : openAdmin({ url, key: adminKey, catalog }, around);
  const scene = await setUp(ask, options, random, around);
  if (admin) await awaitQuiet(admin);

  const before = await look(ask, url, scene, 'before', around);
  const first = told(before.model, measure(before.rankings, scene.tastes[0]!, random), url);
  const shopping = await openShopping(ask, scene, options, around);
  const exposedBefore = await shopping.exposure();

  const retrains: Retrain[] = [];
  let last = before;
  if (!admin) await shopping.go(scene.tastes[0]!);
  for (let round = 0; admin && round < rounds; round++) {
    const season = seasonOf(round, rounds, options.seasons);
    const taste = scene.tastes[season - 1]!;
    const ended = await nextTraining(admin, options, () => shopping.go(taste));
    around.say(
      ended.model
        ? `Promoted: ${ended.model}`
        : 'The new version was not promoted (its gates are in the admin API): the old one serves on',
    );
    const seconds =
      ended.model === null ? null : ended.seconds + (await awaitServing(ask, scene.anchors[0]!, ended.model));
    const after = await look(ask, url, scene, 'after', around);
    const gained = compared(last, after, taste, random, url);
    const { clicks } = shopping.total;
    const promoted = ended.model !== null;
    retrains.push({ ...gained.after, gain: gained.difference, promoted, seconds, clicks, season });
    around.say(describeRetrain(retrains.at(-1)!, retrains.length, options.seasons));
    last = after;
  }
  const whole = admin
    ? compared(before, last, scene.tastes.at(-1)!, random, url)
    : { before: first, after: null, difference: null };
  const { run, total, pushed } = shopping;
  const came = groupsOf(total.roles);
  const quarantined = admin ? groupsOf(await quarantinedOf(admin.ask, run)) : null;
  const exposed = { before: exposedBefore!, after: admin && (await shopping.exposure()) };
  return {
    taste: options.taste,
    shoppers,
    seed,
    events: eventsOf(total),
    visitors: { run, came, quarantined },
    farm: pushed === null ? null : { pushed, exposure: exposed },
    ...whole,
    promoted: retrains.at(-1)?.promoted ?? null,
    retrains,
  };
}

/** How many trainings there are: one, as many as are asked for, or one a season. @throws SimiliError INVALID_ARGUMENT */
function roundsOf({ retrains, seasons }: Simulation): number {
  if (retrains === 0 || seasons <= retrains) return retrains || seasons;
  const why = `must be at most the ${retrains} of --retrains: each season ends with a training`;
  throw new SimiliError('INVALID_ARGUMENT', { argument: '--seasons', why });
}

/** From 1. */
const seasonOf = (round: number, rounds: number, seasons: number): number => 1 + Math.floor((round * seasons) / rounds);

/** Shops, then has the server train: by itself where it is to, else as it is asked. */
async function nextTraining(
  admin: Admin,
  { retrains, shoppers, trainSeconds }: Simulation,
  shopping: () => Promise<boolean>,
): Promise<Training> {
  if (retrains > 0 && shoppers > 0) return awaitTraining(admin, shopping);
  await shopping();
  return trainOnFeedback(admin, trainSeconds);
}

function compared(before: Rankings, after: Rankings, taste: Taste, random: Random, url: string) {
  const both = compare(before.rankings, after.rankings, taste, random);
  return {
    before: told(before.model, both?.before ?? null, url),
    after: told(after.model, both?.after ?? null, url),
    difference: both!.difference,
  };
}

function eventsOf({ sent, sentAgain, accepted, duplicates, rejected }: Sent): Report['events'] {
  return { sent, sentAgain, accepted, duplicates, rejected };
}

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
