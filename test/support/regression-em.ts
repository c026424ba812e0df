import type { SeenPair } from '../../learning/relevance/seen-pairs.ts';

/**
 * Oracle of how far shoppers look, by the textbook: EM of the position-based model, a click being that the place was examined (theta_k) and the pair
 * relevant (gamma_p), whose regression has one parameter for each pair (Wang et al. 2018). Thousands of sweeps, no prior.
 * @returns theta by position, beside that of the first
 */
export function regressionEm(
  pairs: readonly SeenPair[],
  sweeps: number,
  begin = { theta: 0.9, gamma: 0.5 },
): Map<number, number> {
  const keyOf = ({ anchor, item }: SeenPair) => `${anchor} ${item}`;
  let theta = new Map(pairs.map(({ position }) => [position, begin.theta]));
  let gamma = new Map(pairs.map((pair) => [keyOf(pair), begin.gamma]));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const examined = new Means<number>();
    const relevant = new Means<string>();
    for (const pair of pairs) {
      const [t, g] = [theta.get(pair.position)!, gamma.get(keyOf(pair))!];
      const passed = pair.impressions - pair.clicks;
      examined.add(pair.position, pair.clicks + (passed * t * (1 - g)) / (1 - t * g), pair.impressions);
      relevant.add(keyOf(pair), pair.clicks + (passed * g * (1 - t)) / (1 - t * g), pair.impressions);
    }
    [theta, gamma] = [examined.all(), relevant.all()];
  }
  const first = theta.get(1)!;
  return new Map([...theta].map(([position, value]) => [position, value / first]));
}

class Means<Key> {
  private readonly sums = new Map<Key, [sum: number, of: number]>();
  add(key: Key, amount: number, of: number): void {
    const own = this.sums.get(key) ?? [0, 0];
    this.sums.set(key, [own[0] + amount, own[1] + of]);
  }
  all = (): Map<Key, number> => new Map([...this.sums].map(([key, [sum, of]]) => [key, sum / of]));
}
