import { readFileSync } from 'node:fs';
import type { Split } from '../../learning/metrics/split.ts';
import { shuffled } from '../../learning/numbers/shuffled.ts';

/** A thing that several vendors have drawn: a code point with the words of Unicode for where it belongs. */
export type Thing = {
  /** Code points in hex, without the variation selector FE0F: `1f355`. */
  readonly key: string;
  /** e.g. `food-prepared`. */
  readonly subgroup: string;
  readonly split: Split;
  /** Its whole subgroup is held out with it. */
  readonly wholeSubgroup: boolean;
};

export const VENDORS = ['noto', 'twemoji', 'openmoji', 'fluent-emoji-flat'] as const;
export type Vendor = (typeof VENDORS)[number];

/** Groups of Unicode whose members a shop could sell. */
const PRODUCT_LIKE = ['animals-nature', 'food-drink', 'travel-places', 'activities', 'objects'];
const TEST_SUBGROUPS = 0.25;
const VALIDATION_SUBGROUPS = 0.12;
const TEST_SHARE = 0.2;
const VALIDATION_SHARE = 0.12;
const SPLIT_SEED = 12345;

type Labels = { hexcode: string; group?: number; subgroup?: number };
type Names = { groups: Record<string, string>; subgroups: Record<string, string> };

/** Reads a file of an installed package. */
export const packageFile = (path: string): string =>
  readFileSync(new URL(`../../node_modules/${path}`, import.meta.url), 'utf8');

export const keyOf = (hex: string): string =>
  hex
    .toLowerCase()
    .split('-')
    .filter((point) => point !== 'fe0f')
    .join('-');

/**
 * Product-like code points that all vendors have drawn, sorted by key: 853. Test is whole subgroups (a quarter) and a fifth
 * of the others' code points; validation the same of what is left. Frozen: the split of the prototype's figures.
 */
export function listThings(drawnByAll: ReadonlySet<string>): Thing[] {
  const labels = JSON.parse(packageFile('emojibase-data/en/data.json')) as Labels[];
  const { groups, subgroups } = JSON.parse(packageFile('emojibase-data/meta/groups.json')) as Names;
  const known = labels
    .filter(({ group }) => PRODUCT_LIKE.includes(groups[String(group)] ?? ''))
    .map(({ hexcode, subgroup }) => ({ key: keyOf(hexcode), subgroup: subgroups[String(subgroup)]! }))
    .filter(({ key }) => drawnByAll.has(key))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const next = mulberry32(SPLIT_SEED);
  const names = shuffled([...new Set(known.map(({ subgroup }) => subgroup))].sort(), {
    int: (n) => Math.floor(next() * n),
  });
  const tests = Math.round(names.length * TEST_SUBGROUPS);
  const test = new Set(names.slice(0, tests));
  const val = new Set(names.slice(tests, tests + Math.round(names.length * VALIDATION_SUBGROUPS)));
  return known.map((thing) => {
    const [u, w] = [next(), next()];
    const isTest = test.has(thing.subgroup) || u < TEST_SHARE;
    const isVal = val.has(thing.subgroup) || w < VALIDATION_SHARE;
    return {
      ...thing,
      split: isTest ? 'test' : isVal ? 'val' : 'train',
      wholeSubgroup: test.has(thing.subgroup) || val.has(thing.subgroup),
    };
  });
}

/** Tommy Ettinger's generator, as the prototype used it: with it the split is the same. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
