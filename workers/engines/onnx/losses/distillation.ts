import type { Graph, Value } from '../graph.ts';
import { infoNce } from './info-nce.ts';
import type { LossGraph } from './loss-graph.ts';

/** Formula in learning/losses/loss.ts: InfoNCE with the teacher's softmax for targets, and squared distances from its vectors. */
export function distillation(graph: Graph, embeddings: Value, batch: number, dimensions: number): LossGraph {
  const relations = infoNce(graph, embeddings, batch);
  const vectors = graph.input('vectors', [batch, dimensions]);
  const regression = graph.input('regression', []);
  const apart = graph.subtract(embeddings, vectors);
  const distance = graph.multiply(graph.sum(graph.multiply(apart, apart), [0, 1], 0), graph.scalar(1 / batch));
  const pull = graph.multiply(apart, graph.multiply(regression, graph.scalar(2 / batch)));
  return {
    loss: graph.add(relations.loss, graph.multiply(regression, distance)),
    activeShare: relations.elsewhere,
    gradient: graph.add(relations.gradient, pull),
  };
}
