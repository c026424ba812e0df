import { scatter } from '../numbers/matrix-loops.ts';

/**
 * Mean of all samples, the scatter of each around the mean of its identity and its degrees of freedom, and that of these means
 * around the mean of all: together the scatter of all samples. Of each sample its distance from the mean of those before it
 * is enough (Welford): one row less for every identity.
 */
export function identityScatter(samples: Float32Array, identities: Int32Array, d: number) {
  const n = identities.length;
  const groups = new Map<number, { count: number; mean: Float64Array }>();
  const distinct = new Set(identities).size;
  const inside = new Float64Array((n - distinct) * d);
  for (let i = 0, at = 0; i < n; i++) {
    const group = groups.get(identities[i]!);
    const sample = samples.subarray(i * d, (i + 1) * d);
    if (!group) {
      groups.set(identities[i]!, { count: 1, mean: Float64Array.from(sample) });
      continue;
    }
    const scale = Math.sqrt(group.count / (group.count + 1));
    group.count++;
    for (let j = 0; j < d; j++, at++) {
      const apart = sample[j]! - group.mean[j]!;
      inside[at] = scale * apart;
      group.mean[j] = group.mean[j]! + apart / group.count;
    }
  }
  const mean = new Float64Array(d);
  for (const group of groups.values())
    for (let j = 0; j < d; j++) mean[j] = mean[j]! + (group.count / n) * group.mean[j]!;
  const means = new Float64Array(distinct * d);
  for (const [row, group] of [...groups.values()].entries())
    for (let j = 0; j < d; j++) means[row * d + j] = Math.sqrt(group.count) * (group.mean[j]! - mean[j]!);
  return { mean, within: scatter(inside, d), between: scatter(means, d), degrees: n - distinct };
}

/** (1 - s) W + s (mean variance) I; the unit matrix where there is no variance to speak of. */
export function shrunkCovariance(within: Float64Array, degrees: number, d: number, shrinkage: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < d; i++) trace += within[i * d + i]!;
  const variance = degrees > 0 ? trace / degrees / d : 0;
  // Features have unit length: less than this is rounding, not noise.
  const known = variance > 1e-14;
  // Never quite 0, as a dimension that does not vary would have no inverse.
  const share = known ? Math.max(shrinkage, 1e-6) : 1;
  const covariance = within.map((value) => (known ? ((1 - share) * value) / degrees : 0));
  for (let i = 0; i < d; i++) covariance[i * d + i] = covariance[i * d + i]! + share * (known ? variance : 1);
  return covariance;
}
