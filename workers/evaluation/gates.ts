import type { Interval } from '@simili/learning/metrics/intervals';
import type { Gate } from 'simili/internal/db/models';
import { type Completeness, completeGate } from './completeness.ts';
import {
  type Differences,
  FEWEST_TRIPLETS,
  FEWEST_VECTORS,
  type Measured,
  type Question,
  type Reach,
} from './measure.ts';

/** How far a candidate may fall behind: about one standard error of 1,000 triplets. */
const TOLERANCE = 0.02;
/** Categories stand in for shoppers until there are some: what shoppers surely prefer may cost this much of them, */
const TOLERANCE_WITH_CLICKS = 0.1;
/** and as much more as shoppers surely gain, up to this in all: whatever they prefer, the catalog's order is not given away. */
const MOST_WITH_CLICKS = 0.15;
/** Share of a rival's choices a view that a candidate may lose. */
const TOLERANCE_OF_RATE = 0.05;
/** Vectors of random products must differ: all alike is what a collapsed training leaves. */
const LEAST_SPREAD = 0.1;

/** The part of a measurement that gates look at; the rest is for people. */
type Gated = Pick<Measured, Question | 'spread'>;
/** A version that a candidate must not fall behind: the one that serves, or one that served. */
export type Rival = {
  /** E.g. "version 3, which serves". */
  readonly name: string;
  /** Says what it can be measured by. */
  readonly reach: Reach;
  /** Candidate minus rival. */
  readonly differences: Differences;
  /** Candidate minus rival in choices a view, as a share of the rival's; null: not measured. */
  readonly rate: Interval | null;
};
const WHAT: Readonly<Record<Question, { gate: string; of: string }>> = {
  structure: { gate: 'catalog', of: 'held-out category triplets' },
  clicks: { gate: 'clicks', of: 'held-out click triplets' },
  later: { gate: 'later', of: 'click triplets of the last days' },
  ratings: { gate: 'ratings', of: 'held-out triplets of raters' },
};

/**
 * Whether a candidate may serve. It is compared with each rival by a paired difference and its 95 % interval. A gate is green where the lower
 * bound is within the tolerance of every rival: surely not much worse. It is red where the upper bound is below 0 and the difference beyond the
 * tolerance: surely worse, and by more than is forgiven. Else the evidence decides nothing, as where there is none: such a gate passes as not
 * measured, unless a rival could be measured, and the candidate is not for want of vectors. Without rivals there is nothing to fall behind.
 */
export function qualityGates(own: Gated, rivals: readonly Rival[], completeness: Completeness): Gate[] {
  return [
    completeGate(completeness),
    spreadGate(own.spread, rivals),
    ...(Object.keys(WHAT) as Question[]).map((question) => precisionGate(question, own, rivals)),
    gateOf(
      'choices',
      'estimated choices a view',
      rivals.map(({ name, rate }) => ({ name, difference: rate, tolerance: TOLERANCE_OF_RATE, unit: '%' })),
    ),
  ];
}

function spreadGate(spread: number | null, rivals: readonly Rival[]): Gate {
  const name = 'spread';
  if (spread === null)
    return unmeasured(
      name,
      `${FEWEST_VECTORS} products needed`,
      rivals,
      ({ reach }) => reach.vectors > 2 * FEWEST_VECTORS,
    );
  const reason = `mean squared distance of random pairs ${spread.toFixed(3)}, at least ${LEAST_SPREAD}`;
  return { name, passed: spread >= LEAST_SPREAD, measured: true, reason };
}

function precisionGate(question: Question, own: Gated, rivals: readonly Rival[]): Gate {
  const { gate, of } = WHAT[question];
  const { triplets, precision } = own[question];
  if (triplets < FEWEST_TRIPLETS)
    return unmeasured(
      gate,
      `${triplets} ${of}, ${FEWEST_TRIPLETS} needed`,
      rivals,
      ({ reach }) => reach[question] >= FEWEST_TRIPLETS && reach[question] > 2 * triplets,
    );
  const beside = rivals.map(({ name, differences }) => {
    const tolerance = question === 'structure' ? toleranceOfCategories(differences) : TOLERANCE;
    return { name, difference: differences[question], tolerance, unit: 'points' };
  });
  return gateOf(gate, `${(100 * precision).toFixed(1)} % of ${triplets} ${of}`, beside);
}

/** @param couldBe whether a rival could be measured where the candidate could not */
function unmeasured(name: string, why: string, rivals: readonly Rival[], couldBe: (rival: Rival) => boolean): Gate {
  const rival = rivals.find(couldBe);
  const reason = `not measured: ${why}`;
  return { name, passed: !rival, measured: false, reason: rival ? `${reason}, which ${rival.name} has` : reason };
}

/** By the lower bound of what shoppers gain by the candidate, by the question that is surest of it. */
function toleranceOfCategories({ clicks, choices, later }: Differences): number {
  const gained = Math.max(0, ...[clicks, choices, later].map((difference) => difference?.low ?? 0));
  return gained > 0 ? Math.min(MOST_WITH_CLICKS, TOLERANCE_WITH_CLICKS + gained) : TOLERANCE;
}

type Beside = { name: string; difference: Interval | null; tolerance: number; unit: string };
const VERDICTS = ['red', 'open', 'green'] as const;

function gateOf(name: string, what: string, rivals: readonly Beside[]): Gate {
  if (rivals.length === 0) return { name, passed: true, measured: true, reason: `${what}; nothing serves yet` };
  const judged = rivals.map((rival) => ({ ...rival, verdict: verdictOf(rival) }));
  const [worst] = judged.sort((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict));
  const { verdict } = worst!;
  return { name, passed: verdict !== 'red', measured: verdict !== 'open', reason: `${what}; ${told(worst!)}` };
}

function verdictOf({ difference, tolerance }: Beside): (typeof VERDICTS)[number] {
  if (difference === null) return 'open';
  const { mean, low, high } = difference;
  if (low >= -tolerance) return 'green';
  return high < 0 && mean < -tolerance ? 'red' : 'open';
}

function told({ name, difference, tolerance, unit }: Beside): string {
  if (difference === null) return `not measured beside ${name}`;
  const [mean, low, high] = [difference.mean, difference.low, difference.high].map((value) => (100 * value).toFixed(1));
  return `beside ${name} ${mean} ${unit} [${low}, ${high}], ${Number((100 * tolerance).toFixed(1))} may be lost`;
}
