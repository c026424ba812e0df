import { expect, test } from 'vitest';
import { fitChoiceShares, type MeasuredChoices } from '../../../../learning/fusion/choice-shares.ts';
import { makeRandom, type Random } from '../../../../learning/numbers/random.ts';

const ITEMS = 12;

/** Choices of shoppers who go by some shares, `votes` times beside each of 60 anchors, the first places being looked at more. */
function shop(shares: readonly number[], kappa: number, votes: number, random: Random): MeasuredChoices[] {
  return Array.from({ length: 60 }, () => {
    const distances = Float64Array.from({ length: ITEMS * shares.length }, () => 2 + 0.4 * random.gaussian());
    const exposure = Float64Array.from({ length: ITEMS }, (_, i) => 1 / (i + 1));
    const chances = exposure.map((e, i) => e * Math.exp(-kappa * mixed(distances, shares, i)));
    const total = chances.reduce((sum, chance) => sum + chance, 0);
    const chosen = new Float64Array(ITEMS);
    for (let vote = 0; vote < votes; vote++) {
      let left = random.next() * total;
      let i = 0;
      while (i < ITEMS - 1 && left >= chances[i]!) left -= chances[i++]!;
      chosen[i] = chosen[i]! + 1;
    }
    return { chosen, exposure, distances };
  });
}
const mixed = (distances: Float64Array, shares: readonly number[], i: number): number =>
  shares.reduce((sum, share, b) => sum + share * distances[i * shares.length + b]!, 0);

/** Log likelihood as its equation says, choice by choice. */
const logLikelihood = (sets: readonly MeasuredChoices[], shares: readonly number[], kappa: number): number =>
  sets.reduce((sum, { chosen, exposure, distances }) => {
    const scores = exposure.map((e, i) => e * Math.exp(-kappa * mixed(distances, shares, i)));
    const total = scores.reduce((all, score) => all + score, 0);
    return sum + chosen.reduce((own, votes, i) => own + votes * Math.log(scores[i]! / total), 0);
  }, 0);

test('shares are those of the greatest posterior, found by trying all', () => {
  for (const [seed, votes, deviation] of [
    [1, 1, 0.1],
    [2, 3, 0.1],
    [3, 3, 1],
  ] as const) {
    const sets = shop([0.8, 0.2], 3, votes, makeRandom(seed));
    const tries = Array.from({ length: 41 }, (_, s) => {
      const share = s / 40;
      const values = Array.from({ length: 40 }, (_k, k) => logLikelihood(sets, [share, 1 - share], k / 5));
      return { share, posterior: Math.max(...values) - (2 * (share - 0.4) ** 2) / (2 * deviation ** 2) };
    });
    const best = tries.reduce((most, one) => (one.posterior > most.posterior ? one : most));
    const [share, other] = fitChoiceShares(sets, { prior: [0.4, 0.6], deviation });
    expect(Math.abs(share! - best.share)).toBeLessThan(0.026);
    expect(share! + other!).toBeCloseTo(1, 9);
  }
});

test('a few hundred single choices tell what shoppers go by, the more the better', () => {
  const wanted = [0.1, 0.7, 0.2, 0];
  const prior = [0.4, 0.1, 0.2, 0.3];
  const away = (votes: number) => {
    const found = fitChoiceShares(shop(wanted, 4, votes, makeRandom(7)), { prior, deviation: 0.1 });
    return Math.hypot(...found.map((share, b) => share - wanted[b]!));
  };
  const [none, few, many] = [Math.hypot(...prior.map((share, b) => share - wanted[b]!)), away(4), away(60)];
  expect(few).toBeLessThan(none / 2);
  expect(many).toBeLessThan(0.06);
  expect(many).toBeLessThan(few);
});

test('where what is chosen follows what is seen, the shares stay, however much near products are seen', () => {
  const prior = [0.4, 0.6];
  const sets = shop([0.9, 0.1], 4, 0, makeRandom(3)).map(({ distances, exposure }) => {
    const near = exposure.map((e, i) => e * Math.exp(-2 * mixed(distances, [1, 0], i)));
    return { distances, exposure: near, chosen: near.map((e) => 100 * e) };
  });
  for (const [b, share] of fitChoiceShares(sets, { prior, deviation: 1 }).entries())
    expect(share).toBeCloseTo(prior[b]!, 6);
  expect(fitChoiceShares([], { prior, deviation: 0.1 })).toEqual(prior);
  expect(() => fitChoiceShares(sets, { prior, deviation: 0 })).toThrow('deviation 0');
});

test('shoppers who go against what the catalog finds alike move the shares too, and always the nearest leaves all numbers finite', () => {
  const random = makeRandom(4);
  const sets = Array.from({ length: 40 }, () => ({
    chosen: Float64Array.of(1, 0),
    exposure: Float64Array.of(1e-9, 1e6),
    // By the second block the chosen one is further, by more than it is nearer by the first.
    distances: Float64Array.of(0, 3, 1, 1 - random.next()),
  }));
  const [first, second] = fitChoiceShares(sets, { prior: [0.5, 0.5], deviation: 1 });
  expect(first).toBeGreaterThan(0.66);
  expect(first! + second!).toBeCloseTo(1, 9);
});
