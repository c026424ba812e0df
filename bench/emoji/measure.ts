import { squaredDistance } from '../../src/learning/distance.ts';
import type { Clusters } from '../../src/learning/intervals.ts';
import { averagePrecision, precisionAtOne, recallAt, tripletOutcome } from '../../src/learning/metrics.ts';
import { makeRandom } from '../../src/learning/random.ts';
import { type Thing, VENDORS } from './things.ts';

const V = VENDORS.length;
export const RECALL_AT = 10;

/** Squared distances among the pictures of some things: [n, n], n = 4 per thing, in rows of things. */
export type Distances = Float32Array;

/** Values by thing, so that a bootstrap over clusters draws things. */
export type Measured = {
  readonly p1: Clusters;
  readonly map: Clusters;
  readonly recall: Clusters;
  readonly triplets: Clusters;
};
export type Metric = keyof Measured;

export function distancesOf(vectors: readonly Float32Array[]): Distances {
  const n = vectors.length;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(vectors[i]!, vectors[j]!);
      out[i * n + j] = distance;
      out[j * n + i] = distance;
    }
  }
  return out;
}

/** Sum of weight * distances: what the concatenation of the vectors, scaled by the roots of the weights, measures. */
export function mixOf(parts: readonly Distances[], weights: readonly number[]): Distances {
  const out = new Float32Array(parts[0]!.length);
  parts.forEach((part, p) => {
    const weight = weights[p]!;
    if (weight !== 0) for (let i = 0; i < out.length; i++) out[i] = out[i]! + weight * part[i]!;
  });
  return out;
}

/**
 * Every picture is a query once. It looks for the other three drawings of its thing among what the other three vendors have
 * drawn of all things.
 */
export function measure(distances: Distances, things: readonly Thing[]): Measured {
  const queries = things.map((_thing, thing) =>
    VENDORS.map((_vendor, vendor) => measureQuery(distances, things.length, thing, vendor)),
  );
  const pick = (metric: 'p1' | 'map' | 'recall') => queries.map((own) => own.map((query) => query[metric]));
  return { p1: pick('p1'), map: pick('map'), recall: pick('recall'), triplets: tripletOutcomes(distances, things) };
}

function measureQuery(distances: Distances, things: number, thing: number, vendor: number) {
  const n = things * V;
  const row = distances.subarray((thing * V + vendor) * n, (thing * V + vendor + 1) * n);
  const gallery: number[] = [];
  for (let picture = 0; picture < n; picture++) if (picture % V !== vendor) gallery.push(picture);
  const ranking = gallery.sort((a, b) => row[a]! - row[b]!);
  const relevant = new Set(VENDORS.map((_, v) => thing * V + v).filter((picture) => picture % V !== vendor));
  return {
    p1: precisionAtOne(ranking, relevant),
    map: averagePrecision(ranking, relevant),
    recall: recallAt(ranking, relevant, RECALL_AT),
  };
}

/** mAP alone, without sorting: for the choice of weights. */
export function mapOf(distances: Distances, things: number): number {
  const n = things * V;
  let sum = 0;
  for (let query = 0; query < n; query++) {
    const [thing, vendor] = [Math.floor(query / V), query % V];
    const row = distances.subarray(query * n, (query + 1) * n);
    const own = VENDORS.flatMap((_, v) => (v === vendor ? [] : [row[thing * V + v]!])).sort((a, b) => a - b);
    const nearer = own.map(() => 0);
    for (let other = 0; other < n; other++) {
      if (other % V === vendor || Math.floor(other / V) === thing) continue;
      own.forEach((distance, rank) => {
        if (row[other]! < distance) nearer[rank]!++;
      });
    }
    own.forEach((_, rank) => {
      sum += (rank + 1) / (rank + 1 + nearer[rank]!) / own.length;
    });
  }
  return sum / n;
}

const TRIPLETS = 20_000;
const SEED = 7;

/**
 * Query and positive of one subgroup, never of one thing; negative of another; both drawn by others than the query. None
 * where there are no two subgroups, or none of two things.
 */
function tripletOutcomes(distances: Distances, things: readonly Thing[]): Clusters {
  const random = makeRandom(SEED);
  const n = things.length * V;
  const bySubgroup = new Map<string, number[]>();
  things.forEach(({ subgroup }, i) => {
    bySubgroup.set(subgroup, [...(bySubgroup.get(subgroup) ?? []), i]);
  });
  const anchors = [...things.keys()].filter((i) => bySubgroup.get(things[i]!.subgroup)!.length > 1);
  const outcomes: number[][] = things.map(() => []);
  if (anchors.length === 0 || bySubgroup.size < 2) return outcomes;
  for (let t = 0; t < TRIPLETS; ) {
    const q = anchors[random.int(anchors.length)]!;
    const own = bySubgroup.get(things[q]!.subgroup)!;
    const p = own[random.int(own.length)]!;
    const other = random.int(things.length);
    const vendor = random.int(V);
    const drawnBy = (thing: number): number => thing * V + ((vendor + 1 + random.int(V - 1)) % V);
    const [positive, negative] = [drawnBy(p), drawnBy(other)];
    if (p === q || things[other]!.subgroup === things[q]!.subgroup) continue;
    t++;
    const row = (q * V + vendor) * n;
    outcomes[q]!.push(tripletOutcome(distances[row + positive]!, distances[row + negative]!));
  }
  return outcomes;
}
