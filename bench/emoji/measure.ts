import { averagePrecision, precisionAtOne } from '../../learning/metrics/metrics.ts';
import type { Distances, Values } from '../quality/arena.ts';
import { VENDORS } from './things.ts';

const V = VENDORS.length;

/**
 * Every picture is a query once. It looks for the other three drawings of its thing among what the other three vendors have
 * drawn of all things.
 * @param distances among the drawings of some things, in rows of things
 * @returns values by thing, so that an interval draws things
 */
export function measureDrawings(distances: Distances): Values {
  const things = Math.sqrt(distances.length) / V;
  const queries = Array.from({ length: things }, (_thing, thing) =>
    VENDORS.map((_vendor, vendor) => measureQuery(distances, things, thing, vendor)),
  );
  const pick = (metric: keyof Values) => queries.map((own) => own.map((query) => query[metric]));
  return { p1: pick('p1'), map: pick('map') };
}

function measureQuery(distances: Distances, things: number, thing: number, vendor: number) {
  const n = things * V;
  const row = distances.subarray((thing * V + vendor) * n, (thing * V + vendor + 1) * n);
  const gallery: number[] = [];
  for (let picture = 0; picture < n; picture++) if (picture % V !== vendor) gallery.push(picture);
  const ranking = gallery.sort((a, b) => row[a]! - row[b]!);
  const relevant = new Set(VENDORS.map((_, v) => thing * V + v).filter((picture) => picture % V !== vendor));
  return { p1: precisionAtOne(ranking, relevant), map: averagePrecision(ranking, relevant) };
}
