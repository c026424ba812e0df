import { makeRandom, type Random } from '@simili/learning/numbers/random';
import { shuffled } from '@simili/learning/numbers/shuffled';
import { SimiliError } from 'simili/internal/errors';
import type { Progress, ShowProgress } from '../progress.ts';
import type { Interval } from './agreement.ts';
import { readFeatures, readProducts } from './catalog.ts';
import { type Ask, type Endpoint, makeAsk } from './client.ts';
import { type Sent, sendShoppers } from './crowd.ts';
import { isHeldOut } from './held-out.ts';
import { compare, measure } from './measure.ts';
import { type Rankings, readRankings } from './ranking.ts';
import type { Stamp } from './session.ts';
import { usualHabits } from './shopper.ts';
import { makeTaste, parseWeights, type Taste } from './taste.ts';
import { type Admin, awaitQuiet, awaitServing, trainOnFeedback } from './training.ts';

export type Simulation = {
  /** Address of the server, without a trailing slash. */
  url: string;
  adminKey: string | undefined;
  /** Undefined: the server's usual one. */
  catalog?: string | undefined;
  shoppers: number;
  taste: string;
  seed: number;
  /** Share of the catalog that shoppers never see, 0 to 1. */
  heldOut: number;
  trainSeconds: number | undefined;
};
export type Surroundings = {
  say: (line: string) => void;
  progress: ShowProgress;
  stamp: Stamp;
  /** Between two looks at a job. */
  pollMs: number;
};
export type Measured = { model: string | null; agreement: number; low: number; high: number };
export type Report = {
  taste: string;
  shoppers: number;
  events: Omit<Sent, 'problems' | 'clicks'>;
  before: Measured;
  /** null without an admin key: nothing was trained. */
  after: Measured | null;
  difference: Interval | null;
  /** Did the trained version pass its gates and serve? null: nothing was trained. */
  promoted: boolean | null;
};
/** `heldOut`: kept from shoppers; `measurable`: those of them whose picture could be read; `anchors`: some of these. */
type Scene = { shown: string[]; heldOut: string[]; measurable: Set<string>; anchors: string[]; taste: Taste };

const LEAST_PRODUCTS = 20;
const MOST_ANCHORS = 120;
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

  const rankingsBefore = await look(ask, url, scene, 'before', around);
  const before = told(rankingsBefore.model, measure(rankingsBefore.rankings, scene.taste, random), url);

  const { problems, clicks, ...events } = await goShopping(ask, scene, options, around);
  around.say(
    `${shoppers} shoppers: ${events.sent} events (${clicks} clicks), ${events.accepted} stored, ${events.rejected} rejected`,
  );
  around.say(`  ${events.sentAgain} were sent twice, ${events.duplicates} were recognised as duplicates`);
  for (const problem of problems) around.say(`  rejected: ${problem}`);
  const report = { taste: options.taste, shoppers, events, before };
  if (!admin) return { ...report, after: null, difference: null, promoted: null };

  const model = await trainOnFeedback(admin, options.trainSeconds);
  around.say(
    model
      ? `Promoted: ${model}`
      : 'The new version was not promoted (its gates are in the admin API): the old one serves on',
  );
  if (model) await awaitServing(ask, scene.anchors[0]!, model);
  const rankingsAfter = await look(ask, url, scene, 'after', around);
  const both = compare(rankingsBefore.rankings, rankingsAfter.rankings, scene.taste, random);
  const after = told(rankingsAfter.model, both?.after ?? null, url);
  const paired = told(rankingsBefore.model, both?.before ?? null, url);
  return { ...report, before: paired, after, difference: both?.difference ?? null, promoted: model !== null };
}

async function setUp(
  ask: Ask,
  { url, taste, heldOut: share }: Simulation,
  random: Random,
  { say, progress }: Surroundings,
): Promise<Scene> {
  const weights = parseWeights(taste);
  const products = await readProducts(ask, () => {});
  say(`Catalog: ${products.length} products at ${url}`);
  const bar = progress('pictures', products.length);
  const features = await readFeatures(products, url, bar.update);
  bar.stop();
  if (features.size < products.length)
    say(`  ${products.length - features.size} without a picture that can be read: left out`);
  if (features.size < LEAST_PRODUCTS)
    throw new SimiliError('CATALOG_TOO_SMALL', { have: features.size, need: LEAST_PRODUCTS });

  const ids = [...features.keys()];
  const heldOut = products.map(({ id }) => id).filter((id) => isHeldOut(id, share));
  const measurable = ids.filter((id) => isHeldOut(id, share));
  const shown = ids.filter((id) => !isHeldOut(id, share));
  if (measurable.length < 3 || shown.length < 3) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--held-out',
      why: `leaves ${measurable.length} products to measure on and ${shown.length} to shop among: each needs 3`,
    });
  }
  say(`  ${measurable.length} held out: no shopper sees them; the rest is shopped among`);
  return {
    shown,
    heldOut,
    measurable: new Set(measurable),
    anchors: shuffled(measurable, random).slice(0, MOST_ANCHORS),
    taste: makeTaste(features, weights, random),
  };
}

async function look(
  ask: Ask,
  url: string,
  { anchors, measurable }: Scene,
  when: string,
  { progress }: Surroundings,
): Promise<Rankings> {
  const bar = progress(`measuring ${when}`, anchors.length);
  const rankings = await readRankings(ask, url, anchors, measurable, bar.update);
  bar.stop();
  return rankings;
}

async function goShopping(
  ask: Ask,
  { shown, heldOut, taste }: Scene,
  { shoppers, seed }: Simulation,
  { stamp, progress }: Surroundings,
): Promise<Sent> {
  const bar = progress('shoppers', shoppers);
  const visible = new Set(shown);
  const where = {
    ask,
    stamp,
    seed,
    habits: usualHabits,
    standing: taste.standing,
    anchors: shown,
    run: stamp.newId(),
    shown: (id: string) => visible.has(id),
    excludeIds: heldOut.length <= MOST_EXCLUDED ? heldOut : [],
  };
  const sent = await sendShoppers(where, shoppers, bar.update);
  bar.stop();
  return sent;
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
        say(whose === 'ours' ? `Training: job ${id}` : `Waiting for job ${id}, which was already on its way`);
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

const percent = (share: number): string => (100 * share).toFixed(1);
const describe = ({ model, agreement, low, high }: Measured): string =>
  `model ${model} orders ${percent(agreement)} % [${percent(low)}, ${percent(high)}] of the held-out pairs as the taste does (50 is chance)`;

/** The end of the story, for people. */
export function describeReport({ before, after, difference, promoted }: Report): string {
  const caution = 'Simulated shoppers prove the plumbing only; they say nothing about people.';
  const control =
    'The interval does not cover the randomness of training: compare with --shoppers 0 (docs/simulate.md).';
  if (!after || !difference) {
    const next =
      'Sent, not trained: give --admin-key (or SIMILI_ADMIN_KEY) to train and measure again, or call `retrain` yourself.';
    return [`Before: ${describe(before)}`, next, caution].join('\n');
  }
  const signed = (share: number) => `${share < 0 ? '-' : '+'}${percent(Math.abs(share))}`;
  return [
    `Before: ${describe(before)}`,
    `After:  ${describe(after)}${promoted ? '' : ' (not promoted)'}`,
    `Difference: ${signed(difference.mean)} points [${signed(difference.low)}, ${signed(difference.high)}], same anchors and pairs, 95 % bootstrap over anchors`,
    control,
    caution,
  ].join('\n');
}
