import type { Graph, Value } from '../graph.ts';
import type { Stage, WeightNamed } from './stage.ts';

/** x·W + b. [N, in] -> [N, out]; kernel [in, out]. */
export function dense(graph: Graph, prefix: string, input: Value, weight: WeightNamed): Stage {
  const names = { kernel: `${prefix}.kernel`, bias: `${prefix}.bias` };
  const kernel = weight(names.kernel);
  return {
    output: graph.op('Gemm', [input, kernel, weight(names.bias)]),
    inputGradient: (gradient) => graph.op('Gemm', [gradient, kernel], { transB: 1 }),
    weightGradients: (gradient) => ({
      [names.kernel]: graph.op('Gemm', [input, gradient], { transA: 1 }),
      [names.bias]: graph.sum(gradient, [0], 0),
    }),
  };
}
