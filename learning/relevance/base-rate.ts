import { type BaseRate, type Propensity, type SeenPair, USUAL } from './relevance.ts';

/** Choices of one item beside one anchor, and how many it would have if all items of the anchor's lists were alike. */
type Cell = { readonly item: number; readonly anchor: number; chosen: number; expected: number };
type Sums = { readonly chosen: number; readonly expected: number };

/**
 * Base rates of items: what is chosen everywhere is popular, not alike.
 *
 * Choices c_qi in the lists of anchor q, where item i was looked at e_qi = sum_k n_k theta_k times, are taken for Poisson with mean
 * E_qi pi_i rho_qi: what i would have at the same places were all items of q alike, its base rate, and how well the two go together, which
 * is of mean 1 and variance s over anchors. With C_q = sum_i c_qi, d = c - E and u = 1 / (1 + E),
 *
 *   E_qi = C_q e_qi / sum_j e_qj
 *   v    = max(0, A - sd A) / B                       (variance of pi, as far as anchors agree on it by more than chance)
 *   A    = sum_i sum_{q != q'} ud u'd',   B likewise of uE,   (sd A)^2 = 2 sum_i sum_{q != q'} (ud)^2 (u'd')^2
 *   s    = max(0, sum u^2 (d^2 - E) / sum (uE)^2 - v) / (1 + v)
 *   pi   = (1 / v + sum_{q' != q} w c) / (1 / v + sum_{q' != q} w E),   w = 1 / (1 + s E)
 *
 * the last is the posterior mean under a gamma prior of mean 1 and variance v (the gamma-Poisson shrinker of observed by expected counts,
 * DuMouchel 1999; v and s by moments). An item with few choices elsewhere falls to the usual rate; an anchor, however much is chosen
 * beside it, is worth 1 / s expected choices at most; and where no item is chosen more than others beside one anchor after another, v = 0
 * and every pi is 1. The variance of log pi is one by its numerator.
 * @returns pi of an item beside an anchor, from all other anchors: > 0
 */
export function baseRates(
  pairs: Iterable<SeenPair>,
  propensity: Propensity,
): (anchor: number, item: number) => BaseRate {
  const cells = cellsOf(pairs, propensity);
  const { between, within } = variances(grouped(cells.values(), ({ item }) => item).values());
  if (between === 0) return () => USUAL;
  const weighed = new Map([...cells].map(([key, cell]) => [key, weighedBy(cell, 1 / (1 + within * cell.expected))]));
  const sums = new Map([...grouped(weighed.values(), ({ item }) => item)].map(([item, own]) => [item, sumOf(own)]));
  return (anchor, item) => {
    const all = sums.get(item) ?? NOTHING;
    const own = weighed.get(keyOf(anchor, item)) ?? NOTHING;
    const chosen = 1 / between + all.chosen - own.chosen;
    const expected = 1 / between + all.expected - own.expected;
    return { rate: chosen / expected, variance: 1 / chosen };
  };
}

const NOTHING: Sums = { chosen: 0, expected: 0 };
const weighedBy = ({ chosen, expected, ...cell }: Cell, weight: number): Cell => ({
  ...cell,
  chosen: weight * chosen,
  expected: weight * expected,
});
const keyOf = (anchor: number, item: number): string => `${anchor} ${item}`;

function cellsOf(pairs: Iterable<SeenPair>, propensity: Propensity): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  for (const { anchor, item, position, placement, impressions, clicks } of pairs) {
    if (impressions <= 0) continue; // a lost beacon
    const key = keyOf(anchor, item);
    const own = cells.get(key) ?? { anchor, item, chosen: 0, expected: 0 };
    cells.set(key, own);
    own.chosen += clicks;
    own.expected += impressions * propensity(position, placement); // e_qi, until the anchor's sums are known
  }
  for (const own of grouped(cells.values(), ({ anchor }) => anchor).values()) {
    const { chosen, expected } = sumOf(own);
    for (const cell of own) cell.expected *= chosen / expected;
  }
  return cells;
}

/** v and s, each in [0, ∞). */
function variances(items: Iterable<readonly Cell[]>): { between: number; within: number } {
  let [together, chance, scale, excess, squares] = [0, 0, 0, 0, 0];
  for (const own of items) {
    const apart = own.map(({ chosen, expected }) => (chosen - expected) / (1 + expected));
    together += products(apart);
    chance += 2 * products(apart.map((difference) => difference ** 2));
    scale += products(own.map(({ expected }) => expected / (1 + expected)));
    for (const [i, { expected }] of own.entries()) {
      excess += apart[i]! ** 2 - expected / (1 + expected) ** 2;
      squares += (expected / (1 + expected)) ** 2;
    }
  }
  const between = scale > 0 ? Math.max(0, together - Math.sqrt(chance)) / scale : 0;
  const within = squares > 0 ? Math.max(0, excess / squares - between) / (1 + between) : 0;
  return { between, within };
}

/** Sum of the products of two different ones of these, in either order. */
function products(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum ** 2 - values.reduce((total, value) => total + value ** 2, 0);
}

function sumOf(cells: readonly Cell[]): Sums {
  const sum = { chosen: 0, expected: 0 };
  for (const { chosen, expected } of cells) {
    sum.chosen += chosen;
    sum.expected += expected;
  }
  return sum;
}

function grouped(cells: Iterable<Cell>, by: (cell: Cell) => number): Map<number, Cell[]> {
  const groups = new Map<number, Cell[]>();
  for (const cell of cells) {
    const own = groups.get(by(cell));
    if (own) own.push(cell);
    else groups.set(by(cell), [cell]);
  }
  return groups;
}
