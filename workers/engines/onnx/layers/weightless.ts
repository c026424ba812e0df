import { normFloor } from '../../../../src/learning/network/normalise.ts';
import type { Shape } from '../../../../src/learning/network/shapes.ts';
import { elements } from '../../../../src/learning/network/shapes.ts';
import type { Graph, Value } from '../graph.ts';
import type { Stage } from './stage.ts';

/** max(0, x). The gradient at 0 is 0. */
export function relu(graph: Graph, input: Value): Stage {
  const output = graph.op('Relu', [input]);
  return { output, inputGradient: (gradient) => graph.multiply(gradient, graph.positive(output)) };
}

/** [N, C, H, W] -> [N, C, H/size, W/size]. Of equal values the first gets the gradient. @param batch N, when training. */
export function maxPool(
  graph: Graph,
  size: number,
  [height, width, channels]: Shape,
  input: Value,
  batch?: number,
): Stage {
  const window = { kernel_shape: [size, size], strides: [size, size] };
  if (batch === undefined) return { output: graph.op('MaxPool', [input], window), inputGradient: forwardOnly };
  const [output, places] = graph.pair('MaxPool', [input], window);
  const whole = graph.ints([batch, channels, height, width]);
  return { output, inputGradient: (gradient) => graph.op('MaxUnpool', [gradient, places, whole], window) };
}

/** [N, C, H, W] -> [N, H·W·C], the canonical order of flattened values. */
export function flatten(graph: Graph, [height, width, channels]: Shape, input: Value): Stage {
  return {
    output: graph.reshape(graph.transpose(input, [0, 2, 3, 1]), [-1, elements([height, width, channels])]),
    inputGradient: (gradient) => graph.transpose(graph.reshape(gradient, [-1, height, width, channels]), [0, 3, 1, 2]),
  };
}

/** Rows scaled to unit length. [N, n] -> [N, n]. */
export function l2Norm(graph: Graph, input: Value): Stage {
  const squares = graph.sum(graph.multiply(input, input), [1], 1);
  const scale = graph.op('Reciprocal', [graph.op('Sqrt', [graph.add(squares, graph.scalar(normFloor))])]);
  const output = graph.multiply(input, scale);
  return {
    output,
    inputGradient: (gradient) => {
      const along = graph.sum(graph.multiply(gradient, output), [1], 1);
      return graph.multiply(scale, graph.subtract(gradient, graph.multiply(output, along)));
    },
  };
}

function forwardOnly(): never {
  throw new Error('This graph was built to embed, not to train');
}
