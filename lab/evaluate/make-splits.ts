import type { Split } from '@simili/learning/metrics/split';
import { makeRandom, type Random } from '@simili/learning/numbers/random';
import type { DecodedRow } from './labelled-set.ts';
import { sidesOf } from './one-side.ts';

/** Shares of whole subgroups, and then of the identities of the others, that are held out. */
const TEST_SUBGROUPS = 0.25;
const VALIDATION_SUBGROUPS = 0.12;
const TEST_IDENTITIES = 0.2;
const VALIDATION_IDENTITIES = 0.12;
/** With fewer subgroups than this none is held out as a whole: too little would be left to learn from. */
const FEWEST_SUBGROUPS = 8;

/**
 * The split of every row. Where the file names one it holds (a row without one then teaches). Otherwise whole subgroups and
 * whole identities are held out, so that nothing that is asked for was ever seen: how the development sets are split, too. Pictures of the same bytes
 * are one picture, where they have no identity.
 * @param rated paths of pictures that people were asked about: they, and their identities, are all held out
 */
export function makeSplits(rows: readonly DecodedRow[], seed: number, rated: ReadonlySet<string> = new Set()): Split[] {
  if (rows.some(({ split }) => split !== null)) return rows.map(({ split }) => split ?? 'train');
  const random = makeRandom(seed);
  const ofSubgroup = holdOut(unique(rows.map(({ subgroup }) => subgroup)), random, {
    test: TEST_SUBGROUPS,
    val: VALIDATION_SUBGROUPS,
    fewest: FEWEST_SUBGROUPS,
  });
  const sides = sidesOf(rows);
  const ofSide = holdOut(unique(sides), random, {
    test: TEST_IDENTITIES,
    val: VALIDATION_IDENTITIES,
    fewest: 1,
  });
  const asked = new Set(sides.filter((_side, i) => rated.has(rows[i]!.path)));
  return rows.map(({ subgroup }, i) => {
    if (asked.has(sides[i]!)) return 'test';
    const own = (subgroup !== null && ofSubgroup.get(subgroup)) || 'train';
    return own === 'train' ? ofSide.get(sides[i]!)! : own;
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
