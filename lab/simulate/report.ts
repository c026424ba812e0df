import type { Interval } from './agreement.ts';
import type { Sent } from './crowd.ts';
import { describeVisitors, ticketOf, type Visitors } from './found.ts';

export type Measured = { model: string | null; agreement: number; low: number; high: number };
/** One training, and the agreement of what served after it. */
export type Retrain = Measured & {
  /** Over what served before it; same anchors and pairs. */
  gain: Interval;
  /** Whether the version passed its gates and serves. */
  promoted: boolean;
  /** From the job to the first list of the new version; null: it was not promoted. */
  seconds: number | null;
  /** Clicks of all shoppers up to then. */
  clicks: number;
  /** Whose taste it was measured by, from 1. */
  season: number;
};
export type Report = {
  taste: string;
  shoppers: number;
  seed: number;
  events: Pick<Sent, 'sent' | 'sentAgain' | 'accepted' | 'duplicates' | 'rejected'>;
  visitors: Visitors;
  /** How much the pushed product was seen in the lists of those nearest to it; null: there was no farm. */
  farm: { pushed: string; exposure: { before: number; after: number | null } } | null;
  before: Measured;
  /** After the last training; null without an admin key: nothing was trained. */
  after: Measured | null;
  difference: Interval | null;
  /** Whether the last trained version passed its gates and serves; null: nothing was trained. */
  promoted: boolean | null;
  retrains: Retrain[];
};

const percent = (share: number): string => (100 * share).toFixed(1);
const withSign = (share: number): string => `${share < 0 ? '-' : '+'}${percent(Math.abs(share))}`;
const signed = ({ mean, low, high }: Interval): string =>
  `${withSign(mean)} points [${withSign(low)}, ${withSign(high)}]`;
const describe = ({ model, agreement, low, high }: Measured): string =>
  `model ${model} orders ${percent(agreement)} % [${percent(low)}, ${percent(high)}] of the held-out pairs as the taste does (50 is chance)`;

/** One line of the table of trainings. */
export const describeRetrain = (
  { clicks, gain, promoted, seconds, season, ...measured }: Retrain,
  number: number,
  seasons: number,
): string =>
  `Training ${number}${seasons > 1 ? `, season ${season} of ${seasons}` : ''}: ${clicks} clicks, ${percent(measured.agreement)} % [${percent(measured.low)}, ${percent(measured.high)}], ${signed(gain)} over the one before, ${promoted ? `${seconds!.toFixed(1)} s until it served` : 'not promoted'}`;

/** The end of the story, for people. */
export function describeReport({ before, after, difference, promoted, visitors, farm }: Report): string {
  const caution = 'Simulated shoppers prove the plumbing only; they say nothing about people.';
  const control =
    'The interval does not cover the randomness of training: compare with --shoppers 0 (docs/simulate.md).';
  const truth = [...visitorLines(visitors), ...farmLines(farm)];
  if (!after || !difference) {
    const next =
      'Sent, not trained: give --admin-key (or SIMILI_ADMIN_KEY) to train and measure again, or call `retrain` yourself.';
    return [`Before: ${describe(before)}`, ...truth, next, caution].join('\n');
  }
  return [
    `Before: ${describe(before)}`,
    `After:  ${describe(after)}${promoted ? '' : ' (not promoted)'}`,
    `Difference: ${signed(difference)}, same anchors and pairs, 95 % bootstrap over anchors`,
    ...truth,
    control,
    caution,
  ].join('\n');
}

/** Nothing of shoppers alone of whom nobody is in quarantine. */
function visitorLines(visitors: Visitors): string[] {
  const { came, quarantined } = visitors;
  if (came.bots + came.farm === 0 && !quarantined?.shoppers) return [];
  return [
    describeVisitors(visitors),
    `  A day is judged an hour after its end (UTC). Then: simili simulate --found ${ticketOf(visitors)}`,
  ];
}

function farmLines(farm: Report['farm']): string[] {
  if (!farm) return [];
  const { before, after } = farm.exposure;
  const then = after === null ? '' : `, ${after.toFixed(2)} now (${(after / before).toFixed(2)} times)`;
  return [`Pushed: ${farm.pushed}, exposure ${before.toFixed(2)} before${then}`];
}
