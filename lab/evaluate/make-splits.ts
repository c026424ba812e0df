import type { Split } from '@simili/learning/metrics/split';
import { makeRandom, type Random } from '@simili/learning/numbers/random';
import type { LabelRow } from './read-labels.ts';

/** Shares of whole subgroups, and then of the identities of the others, that are held out. */
const TEST_SUBGROUPS = 0.25;
const VALIDATION_SUBGROUPS = 0.12;
const TEST_IDENTITIES = 0.2;
const VALIDATION_IDENTITIES = 0.12;
/** With fewer subgroups than this none is held out as a whole: too little would be left to learn from. */
const FEWEST_SUBGROUPS = 8;

/**
 * The split of every row. Where the file names one it holds (a row without one then teaches). Otherwise whole subgroups and
 * whole identities are held out, so that nothing that is asked for was ever seen: how the development sets are split, too.
 * @param rated paths of pictures that people were asked about: they, and their identities, are all held out
 */
export function makeSplits(rows: readonly LabelRow[], seed: number, rated: ReadonlySet<string> = new Set()): Split[] {
  if (rows.some(({ split }) => split !== null)) return rows.map(({ split }) => split ?? 'train');
  const random = makeRandom(seed);
  const ofSubgroup = holdOut(unique(rows.map(({ subgroup }) => subgroup)), random, {
    test: TEST_SUBGROUPS,
    val: VALIDATION_SUBGROUPS,
    fewest: FEWEST_SUBGROUPS,
  });
  // A picture without an identity is one of its own.
  const identityOf = ({ identity, path }: LabelRow): string => identity ?? `\n${path}`;
  const ofIdentity = holdOut(unique(rows.map(identityOf)), random, {
    test: TEST_IDENTITIES,
    val: VALIDATION_IDENTITIES,
    fewest: 1,
  });
  const asked = new Set(rows.filter(({ path }) => rated.has(path)).map(identityOf));
  return rows.map((row) => {
    if (asked.has(identityOf(row))) return 'test';
    const own = (row.subgroup !== null && ofSubgroup.get(row.subgroup)) || 'train';
    return own === 'train' ? ofIdentity.get(identityOf(row))! : own;
  });
}

function holdOut(
  names: readonly string[],
  random: Random,
  { test, val, fewest }: { test: number; val: number; fewest: number },
): Map<string, Split> {
  const order = [...names];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const enough = order.length >= fewest;
  const tests = enough ? Math.round(test * order.length) : 0;
  const vals = enough ? Math.round(val * order.length) : 0;
  return new Map(order.map((name, i) => [name, i < tests ? 'test' : i < tests + vals ? 'val' : 'train']));
}

/** Sorted, so that the order of the file does not matter. */
const unique = (names: readonly (string | null)[]): string[] =>
  [...new Set(names)].filter((name) => name !== null).sort();
