import { Graph } from '../workers/engines/onnx/graph.ts';
import { loadRuntime } from '../workers/engines/onnx/runtime.ts';

/** Sides of square matrices: where one is slowed by a cache, another is not. */
const SIDES = [256, 512, 768];
const FLOPS_A_BURST = 6e9;

export type PeakMeter = { burst(): Promise<number>; close(): Promise<void> };

/** Measures how fast this machine multiplies matrices in ONNX Runtime with one thread: GFLOP/s, the best of a burst. */
export async function openPeakMeter(): Promise<PeakMeter> {
  const products = await Promise.all(SIDES.map(openProduct));
  return {
    async burst() {
      let best = 0;
      for (const { side, run } of products) {
        const flops = 2 * side ** 3;
        for (let done = 0; done < FLOPS_A_BURST / SIDES.length; done += flops) {
          const started = performance.now();
          await run();
          best = Math.max(best, flops / (performance.now() - started) / 1e6);
        }
      }
      return best;
    },
    async close() {
      for (const { release } of products) await release();
    },
  };
}

async function openProduct(side: number) {
  const { InferenceSession, Tensor } = await loadRuntime();
  const dims = [side, side];
  const graph = new Graph();
  graph.output('product', graph.op('MatMul', [graph.input('a', dims), graph.input('b', dims)]), dims);
  const session = await InferenceSession.create(graph.bytes('product'), { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const matrix = () => new Tensor(new Float32Array(side ** 2).fill(0.5), dims);
  const feeds = { a: matrix(), b: matrix() };
  return { side, run: () => session.run(feeds), release: () => session.release() };
}
