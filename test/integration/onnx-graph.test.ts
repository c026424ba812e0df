import { expect, test } from 'vitest';
import { Graph } from '../../workers/engines/onnx/graph.ts';
import { cpuDevice, loadRuntime } from '../../workers/engines/onnx/runtime.ts';

const runtime = await loadRuntime();
const { open } = await cpuDevice(runtime, 1);

test('a graph holds each operation once, and none that leads to no output', async () => {
  const build = (extra: boolean) => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const twice = graph.add(x, x);
    if (extra) graph.multiply(graph.input('unused', [2]), graph.scalar(3));
    graph.output('y', graph.multiply(twice, extra ? graph.add(x, x) : twice), [2]);
    return graph.bytes('squares');
  };
  expect(build(true).length).toBeLessThan(build(false).length + 4);
  const session = await open(build(true), false);
  expect(session.inputNames).toEqual(['x']);
  const { y } = await session.run({ x: new runtime.Tensor(Float32Array.of(1, 3), [2]) });
  expect([...(y!.data as Float32Array)]).toEqual([4, 36]);
  await session.release();
});

test.each([13, 17, 18, 22])('means and maxima are written as operator set %d wants them', async (opset) => {
  const graph = new Graph(opset);
  const x = graph.input('x', [2, 3]);
  graph.output('means', graph.mean(x, [1], 0), [2]);
  graph.output('largest', graph.max(x, [0], 1), [1, 3]);
  const session = await open(graph.bytes('reductions'), true);
  const { means, largest } = await session.run({ x: new runtime.Tensor(Float32Array.of(1, 2, 6, 4, 0, -1), [2, 3]) });
  expect([...(means!.data as Float32Array)]).toEqual([3, 1]);
  expect([...(largest!.data as Float32Array)]).toEqual([4, 2, 6]);
  await session.release();
});
