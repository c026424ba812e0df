import type { Tensor, Weights } from '../network/spec.ts';

/** One member of an average. `share` > 0: what it weighs, on any scale, e.g. the triplets it has seen. */
export type Averaged = { readonly weights: Weights; readonly share: number };

/**
 * Mean of several networks of one shape, sum of share x weight / sum of shares, summed in float64: the step that ends a
 * round of local SGD (Stich 2019; McMahan et al. 2017, FedAvg). Running statistics are averaged like weights: members
 * estimate the same means and variances, so what lies between theirs is noise of the estimate.
 * @throws Error when there is no member, a share is not a positive number, or names or shapes differ.
 */
export function averageWeights(members: readonly Averaged[]): Weights {
  const [first] = members;
  if (!first) throw new Error('There is nothing to average');
  for (const member of members) checkMember(member, first.weights);
  const total = members.reduce((sum, { share }) => sum + share, 0);
  return Object.fromEntries(
    Object.entries(first.weights).map(([name, { shape }]): [string, Tensor] => {
      const parts = members.map(({ weights, share }) => ({ data: weights[name]!.data, share: share / total }));
      return [name, { shape, data: meanOf(parts) }];
    }),
  );
}

/** @returns the name of a tensor that holds a value which is not finite; null when there is none. */
export function firstNotFinite(weights: Weights): string | null {
  return Object.entries(weights).find(([, { data }]) => !data.every(Number.isFinite))?.[0] ?? null;
}

function meanOf(parts: readonly { data: Float32Array; share: number }[]): Float32Array {
  const sums = new Float64Array(parts[0]!.data.length);
  for (const { data, share } of parts) for (let i = 0; i < sums.length; i++) sums[i]! += share * data[i]!;
  return Float32Array.from(sums);
}

function checkMember({ weights, share }: Averaged, first: Weights): void {
  if (!(share > 0 && Number.isFinite(share))) throw new Error(`A share of ${share} weighs nothing`);
  const names = Object.keys(weights);
  if (names.length !== Object.keys(first).length) throw new Error('Members have different numbers of tensors');
  for (const name of names) {
    const expected = first[name];
    if (expected?.shape.join() !== weights[name]!.shape.join()) throw new Error(`Members differ in ${name}`);
  }
}
