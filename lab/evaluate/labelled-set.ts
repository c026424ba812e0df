import { type Split, splits } from '@simili/learning/metrics/split';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { byCategory } from '../by-category.ts';
import { type LabelledPictures, labelledPictures } from '../questions/labelled.ts';
import type { Decoded } from './decode.ts';
import { sidesOf } from './one-side.ts';
import type { Problem } from './problem.ts';
import type { LabelRow } from './read-labels.ts';

/** A row of labels.csv whose pixels are in the cache. */
export type DecodedRow = Decoded<LabelRow>;

/** A row with its split, in the order of the set: the pictures of an identity stand together. */
export type SetRow = DecodedRow & { readonly decided: Split };

/**
 * Rows in the order of the set. An identity is in one split as a whole, that of its first row, and so is what is byte for byte the same picture: what is
 * asked for must never have been seen.
 */
export function orderRows(
  rows: readonly DecodedRow[],
  decided: readonly Split[],
  labels: string,
): { rows: SetRow[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const sides = sidesOf(rows);
  const first = firstOf(rows, sides);
  const groups = new Map<string, SetRow[]>();
  rows.forEach((row, i) => {
    const key = row.identity === null ? `\n${row.path}` : row.identity;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const deciding = first.get(sides[i]!)!;
    const own = decided[deciding]!;
    if (own !== decided[i]) {
      const others =
        row.identity === null
          ? `${rows[deciding]!.path}, with which it shares its picture`
          : `the rest of ${row.identity}`;
      problems.push({ file: labels, line: row.line, reason: `${row.path} counts as ${own}, like ${others}` });
    }
    group.push({ ...row, decided: own });
  });
  return { rows: [...groups.values()].flat(), problems };
}

/** The row by which a side goes: the first one with an identity, else the first. */
function firstOf(rows: readonly DecodedRow[], sides: readonly string[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const [i, side] of sides.entries()) {
    const known = first.get(side);
    if (known === undefined || (rows[known]!.identity === null && rows[i]!.identity !== null)) first.set(side, i);
  }
  return first;
}

/** @param pixels folder of the cache by side */
export function labelledSet(
  rows: readonly SetRow[],
  rated: readonly Triplet[],
  pixels: Record<number, string>,
): LabelledPictures {
  const firsts = rows.flatMap((row, i) => (i > 0 && isSameIdentity(rows[i - 1]!, row) ? [] : [i]));
  const ofSplit = (row: SetRow): number => splits.indexOf(row.decided);
  const subgroups = numbered(rows.map(({ subgroup }) => subgroup));
  const categories = numbered(rows.map(({ category }) => category));
  // The paper's category is a text query: the narrowest group there is.
  const leaves = numbered(
    rows.map(({ subgroup, category }) => (subgroup === null ? category : `${category}\n${subgroup}`)),
  );
  return labelledPictures({
    set: {
      starts: Int32Array.from([...firsts, rows.length]),
      hashes: Uint8Array.from(Buffer.from(rows.map(({ contentHash }) => contentHash).join(''), 'hex')),
      categories: Int32Array.from(firsts, (row) => leaves[row]!),
      splits: Uint8Array.from(firsts, (row) => ofSplit(rows[row]!)),
      pixels,
    },
    labels: { identities: numbered(rows.map(({ identity }) => identity)), subgroups, categories },
    splits: Uint8Array.from(rows, ofSplit),
    rated,
  });
}

const isSameIdentity = (a: SetRow, b: SetRow): boolean => a.identity !== null && a.identity === b.identity;

/** Numbers from 0 in the order of appearance; -1 for none. */
function numbered(names: readonly (string | null)[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    if (name === null) return -1;
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}

/** Categories of one picture, in which nothing can be compared; told, not left out. */
export function thinGroups(rows: readonly SetRow[], labels: string): Problem[] {
  return [...byCategory(rows)].flatMap(([category, [only, ...others]]) =>
    others.length === 0 && only
      ? [
          {
            file: labels,
            line: only.line,
            reason: `category ${category} has one picture, which is kept: nothing in it to compare`,
          },
        ]
      : [],
  );
}
