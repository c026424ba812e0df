import type { Graph, Value } from '../graph.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossGraph } from './loss-graph.ts';

/** Category labels, which come as rows with a 1 at the label. @param logits the linear embedding [N, D] */
export const softmax = (graph: Graph, logits: Value, batch: number, classes: number): LossGraph =>
  crossEntropy(graph, logits, graph.input('labels', [batch, classes]));
