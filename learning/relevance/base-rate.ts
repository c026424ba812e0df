import { looksOf } from './looks.ts';
import { type BaseRate, type Propensity, USUAL } from './relevance.ts';
import { type SeenPair, SeenPairs } from './seen-pairs.ts';

/** [pairs] Choices of items beside anchors, and how many they would have if all items of the anchor's lists were alike; none where nothing was seen. */
type Cells = { readonly seen: SeenPairs; readonly chosen: Float64Array; readonly expected: Float64Array };

/**
 * Base rates of items: what is chosen everywhere is popular, not alike.
 *
 * Choices c_qi in the lists of anchor q, where item i was looked at e_qi = sum_k n_k theta_k times, are taken for Poisson with mean
 * E_qi pi_i rho_qi: what i would have at the same places were all items of q alike, its base rate, and how well the two go together, which
 * is of mean 1 and variance s over anchors. With C_q = sum_i c_qi, d = c - E and u = 1 / (1 + E),
 *
 *   E_qi = C_q e_qi / sum_j e_qj
 *   v    = max(0, A - sd A) / B                       (variance of pi, as far as anchors agree on it by more than chance)
 *   A    = sum_i sum_{q != q'} ud u'd',   B = sum_i (sum_q uE)^2,   (sd A)^2 = 2 sum_i sum_{q != q'} (ud)^2 (u'd')^2
 *   s    = max(0, sum u^2 (d^2 - E) / sum (uE)^2 - v) / (1 + v)
 *   pi   = (1 / v + sum_{q' != q} w c) / (1 / v + sum_{q' != q} w E),   w = 1 / (1 + s E)
 *
 * the last is the posterior mean under a gamma prior of mean 1 and variance v (the gamma-Poisson shrinker of observed by expected counts,
 * DuMouchel 1999; v and s by moments). An item with few choices elsewhere falls to the usual rate; an anchor, however much is chosen
 * beside it, is worth 1 / s expected choices at most; and where no item is chosen more than others beside one anchor after another, v = 0
 * and every pi is 1. B has the squares of one anchor too, which A cannot have: an item beside one anchor speaks for v = 0. Else a few items
 * that one visitor alone has seen beside two anchors would say how unsure all others are. With m anchors an item v is too small by one
 * part in m. The variance of log pi is one by its numerator.
 * @returns pi of an item beside an anchor, from all other anchors: > 0
 */
export function baseRates(
  pairs: Iterable<SeenPair>,
  propensity: Propensity,
): (anchor: number, item: number) => BaseRate {
  const cells = cellsOf(SeenPairs.from(pairs), propensity);
  const { seen, chosen, expected } = cells;
  const { between, within } = variances(cells);
  if (between === 0) return () => USUAL;
  const weightOf = (pair: number) => 1 / (1 + within * expected[pair]!);
  const [allChosen, allExpected] = [sumsByItem(seen), sumsByItem(seen)];
  for (let pair = 0; pair < seen.pairs; pair++) {
    allChosen[seen.itemOf(pair)]! += weightOf(pair) * chosen[pair]!;
    allExpected[seen.itemOf(pair)]! += weightOf(pair) * expected[pair]!;
  }
  return (anchor, item) => {
    const pair = seen.pairOf(anchor, item);
    const own = pair < 0 ? 0 : weightOf(pair);
    const votes = 1 / between + (allChosen[item] ?? 0) - own * (chosen[pair] ?? 0);
    const usual = 1 / between + (allExpected[item] ?? 0) - own * (expected[pair] ?? 0);
    return { rate: votes / usual, variance: 1 / votes };
  };
}

/** [items] Zeros. */
const sumsByItem = ({ columns: { items } }: SeenPairs): Float64Array =>
  new Float64Array(items.reduce((greatest, item) => Math.max(greatest, item), -1) + 1);

function cellsOf(seen: SeenPairs, propensity: Propensity): Cells {
  const [chosen, expected] = [new Float64Array(seen.pairs), new Float64Array(seen.pairs)];
  for (const { from, to } of seen.anchors()) {
    let [choices, examined] = [0, 0];
    for (let pair = from; pair < to; pair++) {
      const looks = looksOf(seen, pair, propensity);
      chosen[pair] = looks.chosen;
      expected[pair] = looks.examined; // e_qi, until the anchor's sums are known
      choices += looks.chosen;
      examined += looks.examined;
    }
    if (examined > 0) for (let pair = from; pair < to; pair++) expected[pair]! *= choices / examined;
  }
  return { seen, chosen, expected };
}

/** v and s, each in [0, ∞). */
function variances({ seen, chosen, expected }: Cells): { between: number; within: number } {
  const sums = () => ({ own: sumsByItem(seen), squared: sumsByItem(seen) });
  const [apart, apartSquared, scale] = [sums(), sums(), sumsByItem(seen)];
  const add = (to: ReturnType<typeof sums>, item: number, value: number) => {
    to.own[item]! += value;
    to.squared[item]! += value ** 2;
  };
  let [excess, squares] = [0, 0];
  for (let pair = 0; pair < seen.pairs; pair++) {
    const [item, mean] = [seen.itemOf(pair), expected[pair]!];
    const difference = (chosen[pair]! - mean) / (1 + mean);
    add(apart, item, difference);
    add(apartSquared, item, difference ** 2);
    scale[item]! += mean / (1 + mean);
    excess += difference ** 2 - mean / (1 + mean) ** 2;
    squares += (mean / (1 + mean)) ** 2;
  }
  const [together, chance] = [products(apart), 2 * products(apartSquared)];
  const size = scale.reduce((sum, value) => sum + value ** 2, 0);
  const between = size > 0 ? Math.max(0, together - Math.sqrt(Math.max(0, chance))) / size : 0;
  const within = squares > 0 ? Math.max(0, excess / squares - between) / (1 + between) : 0;
  return { between, within };
}

/** Sum over items of the products of two different values of one, in either order. */
const products = ({ own, squared }: { own: Float64Array; squared: Float64Array }): number =>
  own.reduce((sum, value, item) => sum + value ** 2 - squared[item]!, 0);
