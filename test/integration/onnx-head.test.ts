import { expect, test } from 'vitest';
import type { Loss } from '../../learning/losses/loss.ts';
import type { Weights } from '../../learning/network/spec.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { type HeadBatch, openHeadEngine } from '../../workers/engines/onnx/head/index.ts';
import { dimensionsOf, type HeadSpec, headWeights } from '../../workers/engines/onnx/head/spec.ts';
import { headVectors } from '../../workers/training/head/maps.ts';
import { lossOf } from '../support/oracle-loss.ts';
import { relativeError } from '../support/oracle-network.ts';

const rows = 6;
const blocks = [
  { length: 5, dimensions: 3, weight: 0.7 },
  { length: 4, dimensions: 4, weight: 0.3 },
];
const classes = 3;
const proxies = { classes, weight: 0.4, temperature: 0.2 };
const random = makeRandom(11);
const gaussians = (n: number, scale = 1) => Float32Array.from({ length: n }, () => scale * random.gaussian());

const features = gaussians(rows * 9);
const labels = Int32Array.of(0, 1, 1, -1, 2, 0);
const targets = new Float32Array(rows * rows);
for (const [i, near] of [[1], [0, 2], [1], [], [5], [4, 0]].entries())
  for (const j of near) targets[i * rows + j] = 1 / near.length;
const losses: readonly Loss[] = [
  { kind: 'infoNce', temperature: 0.3, targets },
  { kind: 'tripletHinge', gaps: Float32Array.of(3, 3.5) },
];

const weightsOf = (spec: HeadSpec): Weights => ({
  ...Object.fromEntries(
    blocks.map(({ length, dimensions }, b) => [
      headWeights.offset(b),
      { shape: [dimensions, length], data: gaussians(dimensions * length, 0.3) },
    ]),
  ),
  ...(spec.hidden > 0 && {
    [headWeights.inner]: { shape: [spec.hidden, 7], data: gaussians(spec.hidden * 7) },
    [headWeights.shift]: { shape: [spec.hidden], data: gaussians(spec.hidden, 0.5) },
    [headWeights.outer]: { shape: [7, spec.hidden], data: gaussians(7 * spec.hidden, 0.7) },
  }),
  ...(spec.proxies && {
    [headWeights.proxies]: { shape: [classes, dimensionsOf(spec)], data: gaussians(classes * dimensionsOf(spec)) },
  }),
});

const unit = (row: readonly number[]) => row.map((value) => value / Math.hypot(...row));

/** The definition in float64: a served vector per row, the ranking loss, and the proxies' cross-entropy. */
function define(spec: HeadSpec, weights: Record<string, ArrayLike<number>>, { loss }: HeadBatch): number {
  const vectors = Array.from({ length: rows }, (_, row) => {
    const z = [...features.subarray(row * 9, row * 9 + 9)];
    const parts = blocks.map(({ length, dimensions, weight }, b) => {
      const own = b === 0 ? z.slice(0, 5) : z.slice(5);
      const offset = weights[headWeights.offset(b)]!;
      const mapped = Array.from({ length: dimensions }, (_d, d) =>
        own.reduce((sum, value, i) => sum + value * (offset[d * length + i]! + (d === i ? 1 : 0)), 0),
      );
      return { part: unit(mapped), root: Math.sqrt(weight) };
    });
    const whole = (rows: readonly { part: readonly number[]; root: number }[]) =>
      unit(rows.flatMap(({ part, root }) => part.map((value) => value * root)));
    const linear = whole(parts);
    if (!spec.hidden) return linear;
    const [inner, shift, outer] = [headWeights.inner, headWeights.shift, headWeights.outer].map((n) => weights[n]!);
    const units = Array.from({ length: spec.hidden }, (_h, h) =>
      Math.max(0, shift![h]! + linear.reduce((sum, value, i) => sum + inner![h * 7 + i]! * value, 0)),
    );
    const said = linear.map(
      (_value, i) =>
        units.reduce((sum, value, h) => sum + outer![i * spec.hidden + h]! * value, 0) / Math.sqrt(spec.hidden),
    );
    const starts = [0, 3];
    return whole(
      parts.map(({ part, root }, b) => ({ part: unit(part.map((value, i) => value + said[starts[b]! + i]!)), root })),
    );
  });
  const ranking = lossOf(loss, vectors).loss;
  if (!spec.proxies) return ranking;
  const width = dimensionsOf(spec);
  const all = weights[headWeights.proxies]!;
  const centres = Array.from({ length: classes }, (_, c) => unit(Array.from(all).slice(c * width, (c + 1) * width)));
  const costs = vectors.flatMap((vector, row) => {
    if (labels[row]! < 0) return [];
    const logits = centres.map((c) => c.reduce((sum, value, i) => sum + value * vector[i]!, 0) / proxies.temperature);
    return [Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[labels[row]!]!];
  });
  return ranking + (proxies.weight * costs.reduce((sum, cost) => sum + cost, 0)) / costs.length;
}

test.each(
  losses.flatMap((loss) =>
    [null, proxies].flatMap((beside) =>
      [0, 4].map((hidden) => ({
        loss,
        beside,
        hidden,
        title: `${beside ? 'and proxies' : 'alone'}${hidden ? ', with hidden units' : ''}`,
      })),
    ),
  ),
)(
  'a head by $loss.kind $title costs what its definition says, and its gradient is the slope',
  async ({ loss, beside, hidden }) => {
    const spec: HeadSpec = { blocks, hidden, rows, loss: loss.kind, proxies: beside };
    const weights = weightsOf(spec);
    const engine = await openHeadEngine(spec, 1);
    const got = await engine.gradients({ features, loss, labels }, weights);
    await engine.dispose();
    const first = headVectors(spec, weights)(features.subarray(0, 9));
    expect(Math.hypot(...first)).toBeCloseTo(1, 5);
    const exact = Object.fromEntries(
      Object.entries(weights).map(([name, { data }]) => [name, Float64Array.from(data)]),
    );
    expect(got.loss).toBeCloseTo(define(spec, exact, { features, loss, labels }), 5);
    for (const [name, values] of Object.entries(exact)) {
      const slopes = [...values.keys()].map((i) => {
        const at = (by: number) =>
          define(spec, { ...exact, [name]: values.with(i, values[i]! + by) }, { features, loss, labels });
        return (at(1e-5) - at(-1e-5)) / 2e-5;
      });
      expect(Math.hypot(...slopes)).toBeGreaterThan(0.01);
      expect(relativeError(got.gradients[name]!.data, slopes), name).toBeLessThan(1e-4);
    }
  },
);

test('without an offset a head gives the blocks as they are', () => {
  const spec: HeadSpec = {
    blocks: blocks.map((block) => ({ ...block, dimensions: block.length })),
    hidden: 0,
    rows,
    loss: 'infoNce',
    proxies: null,
  };
  const none = Object.fromEntries(
    spec.blocks.map(({ length }, b) => [
      headWeights.offset(b),
      { shape: [length, length], data: new Float32Array(length ** 2) },
    ]),
  );
  const z = features.slice(0, 9);
  const wanted = [
    ...unit([...z.slice(0, 5)]).map((v) => v * Math.sqrt(0.7)),
    ...unit([...z.slice(5)]).map((v) => v * Math.sqrt(0.3)),
  ];
  expect(relativeError(headVectors(spec, none)(z), wanted)).toBeLessThan(1e-6);
});
