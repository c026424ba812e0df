import fc from 'fast-check';
import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { LayerOf, Shape } from '../../learning/network/shapes.ts';
import { Graph } from '../../workers/engines/onnx/graph.ts';
import { type FeatureMap, inBlocks } from '../../workers/engines/onnx/layers/feature-map.ts';
import { maxPool } from '../../workers/engines/onnx/layers/max-pool.ts';
import { cpuDevice, loadRuntime } from '../../workers/engines/onnx/runtime.ts';

const runtime = await loadRuntime();
const cpu = await cpuDevice(runtime, 1);
const channels = 16;
const batch = 2;

type Case = { side: number; size: number; stride: number; padding: 'same' | 'valid'; seed: number };
const cases: fc.Arbitrary<Case> = fc
  .record({
    side: fc.integer({ min: 3, max: 8 }),
    size: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 4 }),
    padding: fc.constantFrom('same' as const, 'valid' as const),
    seed: fc.nat(),
  })
  .filter(({ side, size }) => size <= side);

test.each([1, cpu.block])(
  'max pooling and its gradient are as loops say, with many equal values, in blocks of %d',
  {
    timeout: 60_000,
  },
  async (block) => {
    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        const layout = places(each);
        const values = integers(batch * channels * each.side ** 2, each.seed, 3);
        const gradient = integers(batch * channels * layout.outputs ** 2, each.seed + 1, 100);
        const wanted = poolLoops(each, layout, values, gradient);
        const got = await poolGraph(each, layout.outputs, values, gradient, block);
        expect(got).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  },
);

/** Small ones, so that windows have ties; never 0, so that no sum is -0. */
function integers(length: number, seed: number, largest: number): Float32Array {
  let state = (seed % 2147483647) + 1;
  return Float32Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return 1 + (state % largest);
  });
}

type Places = { outputs: number; before: number };
function places({ side, size, stride, padding }: Case): Places {
  if (padding === 'valid') return { outputs: Math.floor((side - size) / stride) + 1, before: 0 };
  const outputs = Math.ceil(side / stride);
  return { outputs, before: Math.floor(Math.max(0, (outputs - 1) * stride + size - side) / 2) };
}

/** NCHW. Row by row through each window: only a larger value takes the place of the first. */
function poolLoops(
  { side, size, stride }: Case,
  { outputs, before }: Places,
  values: Float32Array,
  gradient: Float32Array,
) {
  const output = new Float32Array(gradient.length);
  const back = new Float32Array(values.length);
  for (let map = 0; map < batch * channels; map++) {
    for (let y = 0; y < outputs; y++) {
      for (let x = 0; x < outputs; x++) {
        let best = -1;
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            const [row, column] = [y * stride - before + i, x * stride - before + j];
            if (row < 0 || column < 0 || row >= side || column >= side) continue;
            const place = (map * side + row) * side + column;
            if (best < 0 || values[place]! > values[best]!) best = place;
          }
        }
        const at = (map * outputs + y) * outputs + x;
        output[at] = values[best]!;
        back[best]! += gradient[at]!;
      }
    }
  }
  return { output, back };
}

async function poolGraph(each: Case, outputs: number, values: Float32Array, gradient: Float32Array, block: number) {
  const { side, size, stride, padding } = each;
  const graph = new Graph();
  const plain = (name: string, length: number): FeatureMap => ({
    value: graph.input(name, [batch, channels, length, length]),
    shape: [length, length, channels],
    block: 1,
  });
  const training = { batch, block, gathers: false, shapeOf: () => [], mask: () => '', statistic: () => {} };
  const site = { graph, weight: () => '', training };
  const layer: LayerOf<'maxPool'> = { type: 'maxPool', size, stride, padding };
  const shape: Shape = [outputs, outputs, channels];
  const stage = maxPool(site, layer, inBlocks(graph, plain('x', side), block), shape);
  const back = stage.backward!(inBlocks(graph, plain('g', outputs), block)).input;
  graph.output('output', inBlocks(graph, stage.output, 1).value, [batch, channels, outputs, outputs]);
  graph.output('back', inBlocks(graph, back, 1).value, [batch, channels, side, side]);
  const session = await cpu.open(graph.bytes('pool'), false);
  const results = await session.run({
    x: new Tensor(values, [batch, channels, side, side]),
    g: new Tensor(gradient, [batch, channels, outputs, outputs]),
  });
  await session.release();
  return { output: results.output!.data, back: results.back!.data };
}
