import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { makeNesterov } from '../../../../learning/optimiser/optimiser.ts';
import { decayOfMean, recipeNamed } from '../../../../learning/recipes/recipe.ts';
import { lossOf } from '../../../support/oracle-loss.ts';
import { relativeError } from '../../../support/oracle-network.ts';

const [B, D, INPUTS] = [4, 3, 5];
const random = makeRandom(3);
const inputs = Array.from({ length: 3 * B }, () => Array.from({ length: INPUTS }, () => random.gaussian()));
const start = Float64Array.from({ length: D * INPUTS }, () => random.gaussian());
const gaps = new Float32Array(B).fill(2);

/** Unit rows of a linear network. */
const embed = (kernel: Float64Array) =>
  inputs.map((x) => {
    const row = Array.from({ length: D }, (_, d) =>
      x.reduce((sum, value, i) => sum + value * kernel[d * INPUTS + i]!, 0),
    );
    return row.map((value) => value / Math.hypot(...row));
  });
const slopes = (of: (kernel: Float64Array) => number) =>
  Array.from(start, (value, i) => (of(start.with(i, value + 1e-6)) - of(start.with(i, value - 1e-6))) / 2e-6);
/** Paper, section 3: the sum of the hinges, one triplet after the other, and 0.001 ||W||². */
const published = (kernel: Float64Array) => {
  const rows = embed(kernel);
  const one = (t: number) =>
    lossOf({ kind: 'tripletHinge', gaps: gaps.slice(t, t + 1) }, [rows[t]!, rows[B + t]!, rows[2 * B + t]!]).loss;
  return gaps.reduce((sum, _gap, t) => sum + one(t), 0) + 0.001 * kernel.reduce((sum, value) => sum + value ** 2, 0);
};

test('a step by the mean of the hinges is one down the published objective, at a rate B times lower', () => {
  const recipe = { ...recipeNamed('deepRanking'), rows: 3 * B };
  const mean = slopes((kernel) => lossOf({ kind: 'tripletHinge', gaps }, embed(kernel)).loss);
  const tensor = (data: ArrayLike<number>) => ({ 'net.kernel': { shape: [D, INPUTS], data: Float32Array.from(data) } });
  const weights = tensor(start);
  const optimiser = makeNesterov({ momentum: 0, weightDecay: decayOfMean(recipe, 1) });
  const rate = 0.25;
  optimiser.step(weights, tensor(new Float64Array(start.length)), tensor(mean), rate);
  const step = Array.from(weights['net.kernel']!.data, (value, i) => value - start[i]!);
  const wanted = slopes(published).map((slope) => (-rate / B) * slope);
  expect(relativeError(step, wanted)).toBeLessThan(1e-5);
});
