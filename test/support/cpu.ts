import { buildSchema, getIntrospectionQuery, parse, validate } from 'graphql';

/** CPU time of reading the query by which tools ask for a schema, ms, on the machine on which the bounds were chosen. */
const READING_MS = 0.5;
const schema = buildSchema('type Query { a: Int }');

/**
 * CPU time of this process during some work, ms. When it is longer than wished the work is done again, up to ten times,
 * and the least counts: a collector or a compiler may be in it. What is too long is compared with a reading of a fixed
 * document beside it, since a processor that others use too does less in a millisecond.
 */
export function cpuOf(work: () => void, wishedMs: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 10 && least > wishedMs; attempt++) {
    const ms = once(work);
    least = Math.min(least, ms <= wishedMs ? ms : ms / slowness());
  }
  return least;
}

/** How many times as long as on that machine a millisecond's work takes here and now, at least 1. Of many readings, since the first ones run before V8 has compiled them. */
function slowness(): number {
  const readings = Array.from({ length: 100 }, () => once(() => validate(schema, parse(getIntrospectionQuery()))));
  return Math.max(1, Math.min(...readings) / READING_MS);
}

function once(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
