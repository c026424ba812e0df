import type { ProxyCost } from '@simili/learning/losses/loss';
import type { Tensor } from '@simili/learning/network/spec';
import type { Graph, Value } from '../graph.ts';
import { l2Norm } from '../layers/l2-norm.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossGraph } from './loss-graph.ts';

/** Names of what the graph reads besides the proxies. */
const port = { labels: 'proxy labels', sharpness: 'proxy sharpness', weight: 'proxy weight' } as const;

/**
 * A ranking loss and, beside it, category proxies (`ProxyCost`). The active share stays that of the ranking.
 * @param rows unit embeddings [N, D], which the ranking loss reads
 * @param proxies [C, D], of any length
 * @returns also the gradient by the proxies
 */
export function withProxies(
  graph: Graph,
  ranking: LossGraph,
  { rows, proxies, batch, classes }: { rows: Value; proxies: Value; batch: number; classes: number },
): LossGraph & { readonly proxyGradient: Value } {
  const labels = graph.input(port.labels, [batch, classes]); // a row with a 1 at its category, or of zeros
  const sharpness = graph.input(port.sharpness, []); // 1 / temperature
  const weight = graph.input(port.weight, []);
  const unit = l2Norm(graph, proxies);
  const logits = graph.multiply(graph.op('Gemm', [rows, unit.output], { transB: 1 }), sharpness);
  const { loss, gradient } = crossEntropy(graph, logits, labels);
  const byCosines = graph.multiply(graph.multiply(gradient, sharpness), weight); // [N, C]
  return {
    loss: graph.add(ranking.loss, graph.multiply(loss, weight)),
    activeShare: ranking.activeShare,
    gradient: graph.add(ranking.gradient, graph.op('MatMul', [byCosines, unit.output])),
    proxyGradient: unit.backward(graph.op('Gemm', [byCosines, rows], { transA: 1 })),
  };
}

/**
 * Inputs of `withProxies`. @param classes C; 0: there are no proxies
 * @throws RangeError when the loss is not for a batch of N rows and so many proxies.
 */
export function proxyInputs(proxies: ProxyCost | undefined, batch: number, classes: number): Record<string, Tensor> {
  if (!proxies && classes === 0) return {};
  if (!proxies || classes === 0)
    throw new RangeError(`A loss ${proxies ? 'with' : 'without'} proxies is not for ${classes}`);
  return {
    [port.labels]: { shape: [batch, classes], data: oneHot(proxies.labels, batch, classes, -1) },
    [port.sharpness]: { shape: [], data: Float32Array.of(1 / proxies.temperature) },
    [port.weight]: { shape: [], data: Float32Array.of(proxies.weight) },
  };
}

/** @param least -1 where a row may be without a label: it is zeros then. @throws RangeError */
export function oneHot(labels: Int32Array, batch: number, classes: number, least: 0 | -1 = 0): Float32Array {
  if (labels.length !== batch) throw new RangeError(`${labels.length} labels are not [${batch}]`);
  const rows = new Float32Array(batch * classes);
  labels.forEach((label, i) => {
    if (!(label >= least && label < classes)) throw new RangeError(`Label ${label} is not one of ${classes} classes`);
    if (label >= 0) rows[i * classes + label] = 1;
  });
  return rows;
}
