import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { LayerOf, LayerShape, Shape } from '../../learning/network/shapes.ts';
import { convPadding, elements } from '../../learning/network/shapes.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { Graph, type Value } from '../../workers/engines/onnx/graph.ts';
import { conv } from '../../workers/engines/onnx/layers/conv.ts';
import { convPool } from '../../workers/engines/onnx/layers/conv-pool.ts';
import { CHANNELS_LAST, inBlocks } from '../../workers/engines/onnx/layers/feature-map.ts';
import { inBoth, minimalFilter } from '../../workers/engines/onnx/layers/minimal-filter.ts';
import type { Site } from '../../workers/engines/onnx/layers/stage.ts';
import { cpuDevice, loadRuntime } from '../../workers/engines/onnx/runtime.ts';
import { relativeError } from '../support/oracle-network.ts';

const runtime = await loadRuntime();
const cpu = await cpuDevice(runtime, 1);
const batch = 3;

type Case = { what: string; input: Shape; layer: LayerOf<'conv'> };
const layer = (kernel: number, stride: number, filters: number, padding?: number): LayerOf<'conv'> => ({
  type: 'conv',
  name: 'conv',
  kernel,
  stride,
  filters,
  ...(padding === undefined ? {} : { padding }),
});
const cases: readonly Case[] = [
  { what: 'tiles of 4', input: [8, 12, 20], layer: layer(3, 1, 5) },
  { what: 'tiles of 2', input: [6, 4, 17], layer: layer(3, 1, 6) },
  { what: 'tiles of 2 where one side alone is of fours', input: [8, 6, 17], layer: layer(3, 1, 3, 1) },
  { what: 'taps of few channels', input: [6, 8, 3], layer: layer(3, 1, 5) },
  { what: 'taps of a wide window, every second', input: [12, 8, 3], layer: layer(5, 2, 4) },
  { what: 'taps without any padding', input: [7, 6, 2], layer: layer(2, 1, 4, 0) },
  { what: 'taps with much of it', input: [5, 5, 2], layer: layer(3, 3, 4, 2) },
  { what: 'an odd side, which no product is for', input: [5, 5, 17], layer: layer(3, 1, 4) },
];

test.each(cases)('a convolution by products is what loops in float64 say, gradients too: $what', async (each) => {
  const wanted = looped(each, false);
  const got = await computed(each, false);
  for (const name of ['output', 'input', 'kernel', 'bias'] as const)
    expect(relativeError(got[name], wanted[name]), name).toBeLessThan(5e-6);
});

const halved = cases.filter(({ what }) => !/without|much|odd/.test(what));
test.each(halved)('so is one with the largest of 2x2 behind it: $what', async (each) => {
  const wanted = looped(each, true);
  const got = await computed(each, true);
  for (const name of ['output', 'input', 'kernel', 'bias'] as const)
    expect(relativeError(got[name], wanted[name]), name).toBeLessThan(5e-6);
});

test.each([2, 4] as const)('a minimal filter with tiles of %d is the filter', (tile) => {
  const { input, kernel, output } = minimalFilter(tile);
  const random = makeRandom(tile);
  const [x, g] = [Array.from({ length: tile + 2 }, () => random.gaussian()), [0.5, -2, 0.75]];
  const by = (matrix: number[][], vector: number[]) => matrix.map((row) => dot(row, vector));
  const factors = by(kernel, g).map((value, i) => value * by(input, x)[i]!);
  by(output, factors).forEach((value, i) => {
    expect(value).toBeCloseTo(dot(x.slice(i, i + 3), g), 12);
  });
  expect(inBoth(input)).toHaveLength((tile + 2) ** 2);
});

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Values between -1 and 1, the same for the same name. */
function noise(name: string, length: number): Float32Array {
  const random = makeRandom(name.length);
  return Float32Array.from({ length }, () => 2 * random.next() - 1);
}

function sizesOf({ input, layer: { filters, kernel, ...rest } }: Case, isPooled: boolean) {
  const [rows, columns] = [input[0], input[1]].map((side) => convPadding(side, { filters, kernel, ...rest })) as [
    ReturnType<typeof convPadding>,
    ReturnType<typeof convPadding>,
  ];
  const output: Shape = [rows.output, columns.output, filters];
  const half: Shape = [rows.output / 2, columns.output / 2, filters];
  return { rows, columns, output, end: isPooled ? half : output, kernel: [kernel, kernel, input[2], filters] };
}

async function computed(each: Case, isPooled: boolean) {
  const { input, layer } = each;
  const { output, end, kernel } = sizesOf(each, isPooled);
  const graph = new Graph();
  const inputs = {
    x: [batch, ...input],
    'path.conv.kernel': kernel,
    'path.conv.bias': [layer.filters],
    slope: [batch, ...end],
  };
  const named = new Map(Object.entries(inputs).map(([name, shape]) => [name, graph.input(name, shape)]));
  const value = (name: string): Value => named.get(name)!;
  const site: Site = {
    graph,
    weight: value,
    training: {
      batch,
      block: cpu.block,
      gathers: true,
      shapeOf: () => [],
      mask: () => '',
      statistic: () => {},
    },
  };
  const map = { value: value('x'), shape: input, block: CHANNELS_LAST };
  const shape: LayerShape = { layer, input, output, inner: [] };
  const pool: LayerShape = { layer: { type: 'maxPool', size: 2 }, input: output, output: end, inner: [] };
  const stage = isPooled ? convPool(site, 'path.conv', shape, pool, map)! : conv(site, layer, 'path.conv', map, output);
  const back = stage.backward!({ value: value('slope'), shape: end, block: CHANNELS_LAST });
  graph.output('output', inBlocks(graph, stage.output, CHANNELS_LAST).value, [batch, ...end]);
  graph.output('input', inBlocks(graph, back.input, CHANNELS_LAST).value, [batch, ...input]);
  graph.output('kernel', back.weights['path.conv.kernel']!, kernel);
  graph.output('bias', back.weights['path.conv.bias']!, [layer.filters]);
  const session = await cpu.open(graph.bytes('products'), false);
  const feeds = Object.entries(inputs).map(([name, dims]) => [name, new Tensor(noise(name, elements(dims)), dims)]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  const valuesOf = (name: string) => results[name]!.data as Float32Array;
  return { output: valuesOf('output'), input: valuesOf('input'), kernel: valuesOf('kernel'), bias: valuesOf('bias') };
}

/** The convolution, pooled or not, and the gradients of the sum of its outputs times `slope`. */
function looped(each: Case, isPooled: boolean) {
  const { input, layer } = each;
  const { rows, columns, output, end, kernel: dims } = sizesOf(each, isPooled);
  const [height, width, channels] = input;
  const { kernel: side, stride, filters } = layer;
  const x = noise('x', batch * elements(input));
  const kernel = noise('path.conv.kernel', elements(dims));
  const bias = noise('path.conv.bias', filters);
  const slope = noise('slope', batch * elements(end));
  /** Calls `visit` with the places of the two factors of each product of an output. */
  const products = (n: number, y: number, column: number, f: number, visit: (at: number, weight: number) => void) => {
    for (let dy = 0; dy < side; dy++)
      for (let dx = 0; dx < side; dx++) {
        const [py, px] = [y * stride - rows.before + dy, column * stride - columns.before + dx];
        if (py < 0 || py >= height || px < 0 || px >= width) continue;
        for (let c = 0; c < channels; c++)
          visit(((n * height + py) * width + px) * channels + c, ((dy * side + dx) * channels + c) * filters + f);
      }
  };
  const outputAt = (n: number, y: number, column: number, f: number) => {
    let sum = bias[f]!;
    products(n, y, column, f, (at, weight) => {
      sum += x[at]! * kernel[weight]!;
    });
    return sum;
  };
  const result = {
    output: new Float64Array(batch * elements(end)),
    input: new Float64Array(x.length),
    kernel: new Float64Array(kernel.length),
    bias: new Float64Array(filters),
  };
  const size = isPooled ? 2 : 1;
  expect(output[0]).toBe(end[0] * size);
  for (let i = 0; i < result.output.length; i++) {
    const f = i % filters;
    const column = Math.floor(i / filters) % end[1];
    const y = Math.floor(i / filters / end[1]) % end[0];
    const n = Math.floor(i / elements(end));
    let [best, bestY, bestX] = [Number.NEGATIVE_INFINITY, 0, 0];
    for (let place = 0; place < size * size; place++) {
      const [py, px] = [y * size + Math.floor(place / size), column * size + (place % size)];
      const sum = outputAt(n, py, px, f);
      if (sum > best) [best, bestY, bestX] = [sum, py, px];
    }
    result.output[i] = best;
    result.bias[f]! += slope[i]!;
    products(n, bestY, bestX, f, (at, weight) => {
      result.input[at]! += slope[i]! * kernel[weight]!;
      result.kernel[weight]! += slope[i]! * x[at]!;
    });
  }
  return result;
}
