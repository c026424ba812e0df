import type {
  Distillation,
  InfoNce,
  Loss,
  MultiSimilarity,
  ProxyCost,
  Softmax,
  TripletHinge,
} from '@simili/learning/losses/loss';
import type { Tensor1D, Tensor2D, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from './backend.ts';

/** Costs of a batch, per triplet or row: the loss is the sum of `costs` divided by `count`, the active share likewise. */
export type Costs = {
  readonly costs: Tensor1D;
  /** In [0, 1], as `activeShare` of engine.ts. Not differentiated. */
  readonly active: Tensor1D;
  /** Triplets, or rows that have a target; at least 1. */
  readonly count: number;
};

export type Rows = {
  readonly linear: Tensor2D;
  readonly embeddings: Tensor2D;
  /** [C, D], of unit length; null: the network has none. */
  readonly proxies: Tensor2D | null;
};

/** Stands for minus infinity: exp of it is 0, and 0 times it is 0. */
const NEVER = -1e9;

/**
 * The formulas of learning/losses/loss.ts as TensorFlow.js operations. Call inside `tf.tidy`.
 * @param rows of the network, each [N, D].
 */
export function costsOf(tf: TensorFlow, loss: Loss, rows: Rows): Costs {
  const ranking = ownCosts(tf, loss, rows);
  return loss.proxies && rows.proxies ? withProxies(tf, ranking, loss.proxies, rows.embeddings, rows.proxies) : ranking;
}

function ownCosts(tf: TensorFlow, loss: Loss, rows: Rows): Costs {
  switch (loss.kind) {
    case 'tripletHinge':
      return tripletHinge(tf, loss, rows);
    case 'infoNce':
      return infoNce(tf, loss, rows);
    case 'multiSimilarity':
      return multiSimilarity(tf, loss, rows);
    case 'softmax':
      return softmax(tf, loss, rows);
    case 'distillation':
      return distillation(tf, loss, rows);
  }
}

/** @throws RangeError when a loss is not for a batch of `batch` embeddings of length `dimensions`, or so many proxies. */
export function checkLoss(loss: Loss, batch: number, dimensions: number, classes = 0): void {
  const { proxies } = loss;
  if ((proxies !== undefined) !== classes > 0)
    throw new RangeError(`A loss ${proxies ? 'with' : 'without'} proxies is not for ${classes}`);
  if (proxies) checkLabels(proxies.labels, batch, classes, -1);
  switch (loss.kind) {
    case 'tripletHinge':
      checkLength('gaps', loss.gaps, [batch / 3]);
      break;
    case 'infoNce':
      checkLength('targets', loss.targets, [batch, batch]);
      break;
    case 'multiSimilarity':
      checkLength('pairs', loss.pairs, [batch, batch]);
      break;
    case 'softmax':
      checkLabels(loss.labels, batch, dimensions, 0);
      break;
    case 'distillation':
      checkLength('targets', loss.targets, [batch, batch]);
      checkLength('vectors', loss.vectors, [batch, dimensions]);
  }
}

function checkLabels(labels: Int32Array, batch: number, classes: number, least: number): void {
  checkLength('labels', labels, [batch]);
  const wrong = labels.find((label) => !(label >= least && label < classes));
  if (wrong !== undefined) throw new RangeError(`Label ${wrong} is not one of ${classes} classes`);
}

function checkLength(what: string, values: ArrayLike<number>, shape: readonly number[]): void {
  if (values.length === shape.reduce((product, side) => product * side, 1)) return;
  throw new RangeError(`${values.length} ${what} are not [${shape}]`);
}

/** Paper, section 3. Not reduced before the hinge: easy triplets would hide hard ones. */
function tripletHinge(tf: TensorFlow, { gaps }: TripletHinge, { embeddings }: Rows): Costs {
  const [q, p, n] = tf.split(embeddings, 3) as [Tensor2D, Tensor2D, Tensor2D]; // 3 x [B, D]
  const toPositive = tf.squaredDifference(q, p).sum(1); // [B]
  const toNegative = tf.squaredDifference(q, n).sum(1); // [B]
  const costs = toPositive.sub(toNegative).add(tf.tensor1d(gaps.slice())).relu() as Tensor1D;
  return { costs, active: costs.greater(0).cast<Tensor1D>('float32'), count: gaps.length };
}

const infoNce = (tf: TensorFlow, { temperature, targets }: InfoNce, { embeddings }: Rows): Costs =>
  crossEntropy(tf, relations(tf, embeddings, temperature), targets);

/** s(i, j) / temperature without a row's own. */
function relations(tf: TensorFlow, embeddings: Tensor2D, temperature: number): Tensor2D {
  const n = embeddings.shape[0];
  const own = new Float32Array(n * n);
  for (let i = 0; i < n; i++) own[i * n + i] = NEVER;
  return similarities(embeddings)
    .div(temperature)
    .add(tf.tensor2d(own, [n, n])) as Tensor2D;
}

function distillation(tf: TensorFlow, loss: Distillation, { embeddings }: Rows): Costs {
  const [n, d] = embeddings.shape;
  const { temperature, regression } = loss;
  const target = tf.tensor2d(loss.targets.slice(), [n, n]);
  const logProbabilities = tf.logSoftmax(relations(tf, embeddings, temperature));
  const distances = tf.squaredDifference(embeddings, tf.tensor2d(loss.vectors.slice(), [n, d])).sum<Tensor1D>(1);
  return {
    costs: distances.mul(regression).sub(logProbabilities.mul(target).sum(1)) as Tensor1D,
    active: logProbabilities.exp().sub(target).abs().sum(1).div(2) as Tensor1D,
    count: n,
  };
}

const softmax = (tf: TensorFlow, { labels }: Softmax, { linear }: Rows): Costs =>
  crossEntropy(tf, linear, oneHot(labels, linear.shape[1]));

/** Costs of their own beside those of the ranking, scaled so that all are divided by the ranking's count. */
function withProxies(
  tf: TensorFlow,
  ranking: Costs,
  { labels, temperature, weight }: ProxyCost,
  embeddings: Tensor2D,
  proxies: Tensor2D,
): Costs {
  const logits = embeddings.matMul(proxies, false, true).div(temperature) as Tensor2D;
  const own = crossEntropy(tf, logits, oneHot(labels, proxies.shape[0]));
  const scale = (weight * ranking.count) / own.count;
  return { ...ranking, costs: tf.concat1d([ranking.costs, own.costs.mul<Tensor1D>(scale)]) };
}

/** A row with a 1 at its label; of zeros where that is -1. */
function oneHot(labels: Int32Array, classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    if (label >= 0) targets[i * classes + label] = 1;
  });
  return targets;
}

/** - sum_j target_ij log softmax_j(logits_ij). @param targets [N, M] as the logits; a row sums to 1, or is 0. */
function crossEntropy(tf: TensorFlow, logits: Tensor2D, targets: Float32Array): Costs {
  const [n, m] = logits.shape;
  const target = tf.tensor2d(targets.slice(), [n, m]);
  const missed = targets.slice();
  let count = 0;
  for (let i = 0; i < n; i++) {
    const row = missed.subarray(i * m, (i + 1) * m);
    const hasTarget = row.some((value) => value > 0);
    if (hasTarget) count++;
    row.forEach((value, j) => {
      row[j] = hasTarget && !(value > 0) ? 1 : 0;
    });
  }
  const logProbabilities = tf.logSoftmax(logits);
  return {
    costs: logProbabilities.mul(target).sum<Tensor1D>(1).neg(),
    active: logProbabilities
      .exp()
      .mul(tf.tensor2d(missed, [n, m]))
      .sum<Tensor1D>(1),
    count: Math.max(1, count),
  };
}

function multiSimilarity(tf: TensorFlow, loss: MultiSimilarity, { embeddings }: Rows): Costs {
  const { alpha, beta, base, pairs } = loss;
  const n = embeddings.shape[0];
  /** 0 for the pairs of this kind, minus infinity for the others. */
  const only = (kind: number) =>
    tf.tensor2d(
      pairs.map((pair) => (pair === kind ? 0 : NEVER)),
      [n, n],
    );
  const [positive, negative] = [only(1), only(-1)];
  const similarity = similarities(embeddings);
  const above = similarity.sub(base);
  const pull = softMaximum(tf, above.mul(-alpha).add(positive)).div(alpha);
  const push = softMaximum(tf, above.mul(beta).add(negative)).div(beta);
  const nearest = similarity.add(negative).max(1);
  const farthest = similarity.neg().add(positive).max(1); // minus the least similarity
  return {
    costs: pull.add(push) as Tensor1D,
    active: nearest.add(farthest).greater(0).cast('float32') as Tensor1D,
    count: n,
  };
}

/** s(i, j) = a_i · a_j. [N, D] -> [N, N] */
const similarities = (rows: Tensor2D): Tensor2D => rows.matMul(rows, false, true) as Tensor2D;

/** log(1 + sum_j exp(x_ij)), [N, M] -> [N]: minus the log probability of a 0 beside the row. */
function softMaximum(tf: TensorFlow, x: TfTensor): TfTensor {
  const n = x.shape[0] ?? 0;
  const beside = tf.concat2d([tf.zeros([n, 1]), x as Tensor2D], 1); // [N, 1 + M]
  return tf.logSoftmax(beside).slice([0, 0], [n, 1]).reshape([n]).neg();
}
