import type { Gate } from 'simili/internal/db/models';
import { FEWEST_VECTORS, type Measured } from './measure.ts';

/** How far a candidate may fall behind: about one standard error of 1,000 triplets. */
const TOLERANCE = 0.02;
/** Categories stand in for shoppers until there are some: what shoppers are seen to prefer may cost this much of them. */
const TOLERANCE_WITH_CLICKS = 0.1;
/** Vectors of random products must differ: all alike is what a collapsed training leaves. */
const LEAST_SPREAD = 0.1;
/** Share of triplets that a random order has right. */
const CHANCE = 0.5;
/** Fewer held-out triplets than this say nothing. */
const FEWEST_TRIPLETS = 50;

/** The part of a measurement that gates look at; the rest is for people. */
type Gated = Pick<Measured, 'structure' | 'clicks' | 'later' | 'ratings' | 'spread'>;

/**
 * Whether a candidate may serve. `serving` null: nothing serves yet, so there is nothing to fall behind.
 * A gate that cannot be measured passes and says so.
 */
export function qualityGates(own: Gated, serving: Gated | null, missing: number): Gate[] {
  return [
    {
      name: 'complete',
      passed: missing === 0,
      measured: true,
      reason: missing === 0 ? 'every product with a picture has a vector' : `${missing} products have no vector`,
    },
    spreadGate(own.spread),
    notWorse(
      'catalog',
      'held-out category triplets',
      own.structure,
      serving?.structure ?? null,
      catalogTolerance(own, serving),
    ),
    notWorse('clicks', 'held-out click triplets', own.clicks, serving?.clicks ?? null, TOLERANCE),
    notWorse('later', 'click triplets of the last days', own.later, serving?.later ?? null, TOLERANCE),
    notWorse('ratings', 'held-out triplets of raters', own.ratings, serving?.ratings ?? null, TOLERANCE),
  ];
}

function spreadGate(spread: number | null): Gate {
  const name = 'spread';
  if (spread === null)
    return { name, passed: true, measured: false, reason: `not measured: ${FEWEST_VECTORS} products needed` };
  const reason = `mean squared distance of random pairs ${spread.toFixed(3)}, at least ${LEAST_SPREAD}`;
  return { name, passed: spread >= LEAST_SPREAD, measured: true, reason };
}

function catalogTolerance(own: Gated, serving: Gated | null): number {
  const surely = own.clicks.interval?.low ?? 0;
  const toBeat = serving?.clicks.triplets ? serving.clicks.precision : CHANCE;
  const preferred = own.clicks.triplets >= FEWEST_TRIPLETS && surely > toBeat;
  return preferred ? TOLERANCE_WITH_CLICKS : TOLERANCE;
}

function notWorse(
  name: string,
  what: string,
  own: Measured['clicks'],
  serving: Measured['clicks'] | null,
  tolerance: number,
): Gate {
  if (own.triplets < FEWEST_TRIPLETS)
    return {
      name,
      passed: true,
      measured: false,
      reason: `not measured: ${own.triplets} ${what}, ${FEWEST_TRIPLETS} needed`,
    };
  const value = `${(100 * own.precision).toFixed(1)} % of ${own.triplets} ${what}`;
  if (!serving) return { name, passed: true, measured: true, reason: `${value}; nothing serves yet` };
  const bound = serving.precision - tolerance;
  return {
    name,
    passed: own.precision >= bound,
    measured: true,
    reason: `${value}, at least ${(100 * bound).toFixed(1)} %`,
  };
}
