import { expect } from 'vitest';
import type { Random } from '../../learning/numbers/random.ts';
import type { SamplerOptions, Triplet } from '../../learning/sampling/sampler.ts';

/** Upper 0.1 % point of chi-square (Wilson and Hilferty 1931). */
const critical = (degrees: number) => degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3;

/** Draws and compares with the law: nothing impossible may come, and counts must fit (cells below 5 are joined). */
export function expectLaw(law: ReadonlyMap<string, number>, draw: () => string, draws = 40_000): void {
  const counts = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const key = draw();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const key of counts.keys()) expect(law.has(key), `${key} is impossible`).toBe(true);
  let chiSquare = 0;
  let cells = 0;
  const rare = { expected: 0, seen: 0 };
  for (const [key, share] of law) {
    const [expected, seen] = [share * draws, counts.get(key) ?? 0];
    if (expected < 5) {
      rare.expected += expected;
      rare.seen += seen;
      continue;
    }
    chiSquare += (seen - expected) ** 2 / expected;
    cells++;
  }
  if (rare.expected >= 5) {
    chiSquare += (rare.seen - rare.expected) ** 2 / rare.expected;
    cells++;
  }
  if (cells > 1) expect(chiSquare).toBeLessThan(critical(cells - 1));
}

export const keyOf = ({ q, p, n }: Triplet) => `${q} ${p} ${n}`;

/** The law written out: every (q, p, n) with its probability, dropped examples taken out. */
export function lawOf(options: SamplerOptions): Map<string, number> {
  const { categories, relevance, positiveCap, minimumGap, outOfClassShare, maxFailures } = options;
  const { drawnBy = relevance, onlyOthers = false } = options;
  const selfShare = onlyOthers ? 0 : (options.selfShare ?? 0);
  const gapOf = (q: number) => (typeof minimumGap === 'number' ? minimumGap : minimumGap(q));
  const items = Array.from(categories.keys());
  const same = (i: number, j: number) => i === j || (categories[i]! >= 0 && categories[i] === categories[j]);
  const partners = (i: number) => items.filter((j) => j !== i && same(i, j));
  const total = (i: number) => partners(i).reduce((sum, j) => sum + drawnBy(i, j), 0);
  const all = items.reduce((sum, i) => sum + total(i), 0);
  const lonely = items.filter((i) => total(i) === 0);
  const equation7 = (q: number) => {
    const weights = partners(q).map((j) => [j, Math.min(positiveCap, drawnBy(q, j))] as const);
    const sum = weights.reduce((acc, [, weight]) => acc + weight, 0);
    return weights.map(([j, weight]) => [j, weight / sum] as const);
  };
  const law = new Map<string, number>();
  const add = (q: number, p: number, n: number, share: number) => {
    if (share > 0) law.set(`${q} ${p} ${n}`, (law.get(`${q} ${p} ${n}`) ?? 0) + share);
  };
  const negatives = (q: number, p: number, share: number) => {
    const outside = items.filter((j) => !same(q, j));
    const inside = total(q) > 0 ? equation7(q) : [];
    const out = outside.length === 0 ? 0 : inside.length === 0 ? 1 : outOfClassShare;
    if (relevance(q, p) >= gapOf(q)) for (const n of outside) add(q, p, n, (share * out) / outside.length);
    const valid = inside.filter(([n]) => n !== p && relevance(q, p) - relevance(q, n) >= gapOf(q));
    const accepted = valid.reduce((sum, [, chance]) => sum + chance, 0);
    const kept = 1 - (1 - accepted) ** maxFailures;
    for (const [n, chance] of valid) add(q, p, n, (share * (1 - out) * kept * chance) / accepted);
  };
  for (const q of items) {
    negatives(q, q, selfShare / items.length);
    const partnered = onlyOthers ? 1 : all > 0 ? 1 - lonely.length / items.length : 0;
    if (total(q) === 0 && !onlyOthers) negatives(q, q, ((1 - selfShare) * (1 - partnered)) / lonely.length);
    if (total(q) > 0)
      for (const [p, chance] of equation7(q))
        negatives(q, p, (((1 - selfShare) * partnered * total(q)) / all) * chance);
  }
  const kept = [...law.values()].reduce((sum, share) => sum + share, 0);
  return new Map([...law].map(([key, share]) => [key, share / kept]));
}

/** Symmetric relevance in [0, 1] by item pair, 1 of an item to itself. */
export function relevanceTable(items: number, random: Random) {
  const values = Array.from({ length: items * items }, () => random.next());
  return (i: number, j: number) => (i === j ? 1 : values[Math.min(i, j) * items + Math.max(i, j)]!);
}
