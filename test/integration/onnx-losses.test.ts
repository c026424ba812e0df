import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { Loss } from '../../learning/losses/loss.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { Graph } from '../../workers/engines/onnx/graph.ts';
import { lossGraphs, lossInputs } from '../../workers/engines/onnx/losses/index.ts';
import { cpuDevice, loadRuntime } from '../../workers/engines/onnx/runtime.ts';
import { relativeError } from '../support/oracle-network.ts';

const runtime = await loadRuntime();
const cpu = await cpuDevice(runtime, 1);
const n = 9;
const d = 4;
const random = makeRandom(7);
const gaussians = Array.from({ length: n }, () => Array.from({ length: d }, () => random.gaussian()));
const units = gaussians.map((row) => row.map((value) => Math.fround(value / Math.hypot(...row))));

const targets = new Float32Array(n * n);
const pairs = new Float32Array(n * n);
for (let i = 0; i < n; i++) {
  // Row 4 has no target, row 5 no pairs.
  if (i !== 4) targets.set([0.75, 0.25].slice(0, i % 2 === 0 ? 2 : 1), i * n + ((i + 1) % (n - 2)));
  if (i !== 4 && i % 2 === 1) targets[i * n + ((i + 1) % (n - 2))] = 1;
  for (let j = 0; j < n; j++) if (i !== j && i !== 5) pairs[i * n + j] = [1, -1, 0, -1][(i + j) % 4]!;
}
for (let i = 0; i < n; i++) targets[i * n + i] = 0;
for (let i = 0; i < n; i++) {
  const row = targets.subarray(i * n, (i + 1) * n);
  const sum = row.reduce((total, value) => total + value, 0);
  if (sum > 0) row.set(row.map((value) => value / sum));
}
const labels = Int32Array.from({ length: n }, (_, i) => (i * 3) % d);

/** A teacher's softmax: the similarities of other vectors than the student's. */
const teacher = Array.from({ length: n }, () => Array.from({ length: d }, () => random.gaussian()));
const taught = new Float32Array(n * n);
for (let i = 0; i < n; i++) {
  const powers = teacher.map((other, j) =>
    j === i ? 0 : Math.exp(other.reduce((s, x, k) => s + x * teacher[i]![k]!, 0)),
  );
  const sum = powers.reduce((total, value) => total + value, 0);
  taught.set(
    powers.map((power) => power / sum),
    i * n,
  );
}
const vectors = Float32Array.from(teacher.flatMap((row) => row.map((value) => value / Math.hypot(...row))));

const losses: readonly Loss[] = [
  { kind: 'tripletHinge', gaps: Float32Array.of(0.1, 1.5, 3.9) },
  { kind: 'infoNce', temperature: 0.1, targets },
  { kind: 'multiSimilarity', alpha: 2, beta: 50, base: 0.5, pairs },
  { kind: 'softmax', labels },
  { kind: 'distillation', temperature: 0.2, targets: taught, vectors, regression: 0.7 },
];

test.each(losses)('the graph of $kind is its definition, and its gradient the slope', async (loss) => {
  const rows = loss.kind === 'softmax' ? gaussians.map((row) => row.map(Math.fround)) : units;
  const got = await run(loss, rows);
  const exact = define(loss, rows);
  expect(got.loss).toBeCloseTo(exact.loss, 5);
  expect(got.activeShare).toBeCloseTo(exact.activeShare, 5);
  const slopes = rows.flatMap((row, i) =>
    row.map(
      (_, j) => (define(loss, moved(rows, i, j, 1e-6)).loss - define(loss, moved(rows, i, j, -1e-6)).loss) / 2e-6,
    ),
  );
  expect(Math.hypot(...slopes)).toBeGreaterThan(0.1);
  expect(relativeError(got.gradient, slopes)).toBeLessThan(1e-5);
});

test('without any target or pair the loss and its gradient are 0', async () => {
  const nothing: readonly Loss[] = [
    { kind: 'infoNce', temperature: 0.1, targets: new Float32Array(n * n) },
    { kind: 'multiSimilarity', alpha: 2, beta: 50, base: 0.5, pairs: new Float32Array(n * n) },
  ];
  for (const loss of nothing) {
    const { loss: cost, activeShare, gradient } = await run(loss, units);
    expect([cost, activeShare, Math.hypot(...gradient)], loss.kind).toEqual([0, 0, 0]);
  }
});

test('multi-similarity and InfoNCE stay finite where a float32 exponential would not', async () => {
  const sharp: readonly Loss[] = [
    { kind: 'infoNce', temperature: 1e-3, targets },
    { kind: 'multiSimilarity', alpha: 100, beta: 200, base: -1, pairs },
  ];
  for (const loss of sharp) {
    const got = await run(loss, units);
    const exact = define(loss, units).loss;
    expect(Math.abs(got.loss - exact) / exact).toBeLessThan(1e-4);
    expect([...got.gradient].every(Number.isFinite), loss.kind).toBe(true);
  }
});

const moved = (rows: number[][], i: number, j: number, by: number) =>
  rows.map((row, k) => (k === i ? row.with(j, row[j]! + by) : row));

async function run(loss: Loss, rows: number[][]) {
  const graph = new Graph();
  const built = lossGraphs[loss.kind](graph, graph.input('rows', [n, d]), n, d);
  graph.output('loss', built.loss, []);
  graph.output('activeShare', built.activeShare, []);
  graph.output('gradient', built.gradient, [n, d]);
  const session = await cpu.open(graph.bytes('loss'), false);
  const feeds = Object.entries(lossInputs(loss, n, d)).map(([name, { shape, data }]) => [
    name,
    new Tensor(data, shape),
  ]);
  const results = await session.run({
    ...Object.fromEntries(feeds),
    rows: new Tensor(Float32Array.from(rows.flat()), [n, d]),
  });
  await session.release();
  const values = (name: string) => results[name]!.data as Float32Array;
  return { loss: values('loss')[0]!, activeShare: values('activeShare')[0]!, gradient: values('gradient') };
}

/** Straight from learning/losses/loss.ts and engine.ts, in float64. */
function define(loss: Loss, rows: number[][]): { loss: number; activeShare: number } {
  const s = (i: number, j: number) => rows[i]!.reduce((sum, value, k) => sum + value * rows[j]![k]!, 0);
  const distance = (i: number, j: number) => rows[i]!.reduce((sum, value, k) => sum + (value - rows[j]![k]!) ** 2, 0);
  const all = [...rows.keys()];
  switch (loss.kind) {
    case 'tripletHinge': {
      const b = n / 3;
      const costs = Array.from(loss.gaps, (gap, i) => Math.max(0, gap + distance(i, b + i) - distance(i, 2 * b + i)));
      return { loss: mean(costs), activeShare: mean(costs.map((cost) => (cost > 0 ? 1 : 0))) };
    }
    case 'infoNce': {
      const each = all.flatMap((i) => {
        const target = all.map((j) => loss.targets[i * n + j]!);
        if (target.every((value) => value === 0)) return [];
        const others = all.filter((j) => j !== i);
        const total = logSum(others.map((j) => s(i, j) / loss.temperature));
        const log = others.map((j) => [target[j]!, s(i, j) / loss.temperature - total] as const);
        return [
          {
            cost: -log.reduce((sum, [t, value]) => sum + t * value, 0),
            missed: log.reduce((sum, [t, value]) => sum + (t > 0 ? 0 : Math.exp(value)), 0),
          },
        ];
      });
      if (each.length === 0) return { loss: 0, activeShare: 0 };
      return { loss: mean(each.map(({ cost }) => cost)), activeShare: mean(each.map(({ missed }) => missed)) };
    }
    case 'multiSimilarity': {
      const { alpha, beta, base } = loss;
      const each = all.map((i) => {
        const of = (sign: number) => all.filter((j) => loss.pairs[i * n + j] === sign).map((j) => s(i, j));
        const [positives, negatives] = [of(1), of(-1)];
        const pull = logSum([0, ...positives.map((value) => -alpha * (value - base))]) / alpha;
        const push = logSum([0, ...negatives.map((value) => beta * (value - base))]) / beta;
        const wrong = negatives.some((negative) => positives.some((positive) => negative > positive));
        return { cost: pull + push, wrong: wrong ? 1 : 0 };
      });
      return { loss: mean(each.map(({ cost }) => cost)), activeShare: mean(each.map(({ wrong }) => wrong)) };
    }
    case 'distillation': {
      const each = all.map((i) => {
        const others = all.filter((j) => j !== i);
        const sum = logSum(others.map((j) => s(i, j) / loss.temperature));
        const log = new Map(others.map((j) => [j, s(i, j) / loss.temperature - sum]));
        const target = (j: number) => loss.targets[i * n + j]!;
        const cross = others.reduce((cost, j) => cost - target(j) * log.get(j)!, 0);
        const apart = rows[i]!.reduce((cost, value, k) => cost + (value - loss.vectors[i * d + k]!) ** 2, 0);
        const differ = others.reduce((share, j) => share + Math.abs(Math.exp(log.get(j)!) - target(j)) / 2, 0);
        return { cost: cross + loss.regression * apart, differ };
      });
      return { loss: mean(each.map(({ cost }) => cost)), activeShare: mean(each.map(({ differ }) => differ)) };
    }
    case 'softmax': {
      const log = rows.map((row, i) => row[loss.labels[i]!]! - logSum(row));
      return { loss: -mean(log), activeShare: 1 - mean(log.map(Math.exp)) };
    }
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
function logSum(values: readonly number[]): number {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
