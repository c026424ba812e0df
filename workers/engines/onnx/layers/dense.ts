import type { Graph, Value } from '../graph.ts';
import type { FeatureMap } from './feature-map.ts';
import { flatten, unflatten } from './feature-map.ts';
import type { Site, Stage } from './stage.ts';

/** x·W + b on rows. [N, in] -> [N, out]; kernel [in, out]. */
export function linear({ graph, weight }: Site, prefix: string, input: Value) {
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const kernel = weight(names.kernel);
  return {
    output: graph.op('Gemm', [input, kernel, weight(names.bias)]),
    backward: (gradient: Value) => ({
      input: graph.op('Gemm', [gradient, kernel], { transB: 1 }),
      weights: {
        [names.kernel]: graph.op('Gemm', [input, gradient], { transA: 1 }),
        [names.bias]: graph.sum(gradient, [0], 0),
      },
    }),
  };
}

/** Flattens, then x·W + b. */
export function dense(site: Site, prefix: string, units: number, input: FeatureMap): Stage {
  const { graph } = site;
  const rows = linear(site, prefix, flatten(graph, input));
  return {
    output: vector(graph, rows.output, units),
    backward: (gradient) => {
      const back = rows.backward(flatten(graph, gradient));
      return { input: unflatten(graph, back.input, input.shape, input.block), weights: back.weights };
    },
  };
}

/** Rows [N, length] as a map of one pixel. */
export const vector = (graph: Graph, rows: Value, length: number): FeatureMap =>
  unflatten(graph, rows, [1, 1, length], 1);
