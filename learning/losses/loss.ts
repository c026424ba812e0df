/**
 * Loss of a batch of N embeddings (unit rows), as data: engines compute it and its gradient, samplers fill it in.
 * All losses but `softmax` read the embeddings; D(a, b) = |a - b|², s(a, b) = a·b.
 */
export type Loss = Beside<TripletHinge | InfoNce | MultiSimilarity | Distillation> | (Softmax & { proxies?: never });

/** Categories beside a loss that reads the embeddings: of a network with proxies (spec.ts) always, of others never. */
type Beside<L> = L & { readonly proxies?: ProxyCost };

/**
 * Normalised softmax over categories (Zhai and Wu 2019, arXiv 1811.12649): each has a proxy, a vector that is learned with the
 * network, of which only the direction counts. To the loss is added, times `weight`, the mean over the rows i that have a
 * category of - log softmax_c(s(i, proxy_c) / temperature) at their own.
 */
export type ProxyCost = {
  /** [N], integers in [0, C); -1: a row without a category. */
  readonly labels: Int32Array;
  /** > 0 */
  readonly temperature: number;
  /** > 0 */
  readonly weight: number;
};

/**
 * Paper, section 3: mean over triplets of max(0, gap + D(q, p) - D(q, n)). The batch's rows are all B queries, then their
 * positives, then their negatives: N = 3B.
 */
export type TripletHinge = {
  readonly kind: 'tripletHinge';
  /** [B], each in (0, 4): g, the same for all in the paper; or growing with the difference in relevance. */
  readonly gaps: Float32Array;
};

/**
 * Graded InfoNCE (Oord et al. 2018; Khosla et al. 2020): mean over the rows i that have a target of
 * - sum_j target_ij log softmax_j(s(i, j) / temperature), j over all rows but i.
 */
export type InfoNce = {
  readonly kind: 'infoNce';
  /** > 0 */
  readonly temperature: number;
  /** [N, N] row-major, >= 0, 0 on the diagonal; a row sums to 1, or is 0 and then costs nothing. */
  readonly targets: Float32Array;
};

/**
 * Multi-similarity (Wang et al. 2019) without its mining: mean over rows i of
 *   log(1 + sum_P exp(-alpha (s - base))) / alpha + log(1 + sum_N exp(beta (s - base))) / beta.
 */
export type MultiSimilarity = {
  readonly kind: 'multiSimilarity';
  /** The paper's: 2, 50, 1. */
  readonly alpha: number;
  readonly beta: number;
  readonly base: number;
  /** [N, N] row-major: 1 positive, -1 negative, 0 neither; 0 on the diagonal. */
  readonly pairs: Float32Array;
};

/**
 * Cross-entropy of category labels, for pretraining (paper, section 4: the ConvNet is initialised by a softmax on
 * category labels). The linear embedding, before its norm, are the logits: D classes. Mean over rows of -log p_label.
 */
export type Softmax = {
  readonly kind: 'softmax';
  /** [N], integers in [0, D). */
  readonly labels: Int32Array;
};

/**
 * Knowledge distillation (Hinton et al. 2015): targets from a teacher's vectors of the same pictures. Mean over rows i of
 *   - sum_j target_ij log softmax_j(s(i, j) / temperature) + regression |x_i - t_i|²,
 * j over all rows but i. The first term hands on who is near whom (Koohpayegani et al. 2020, CompRess; Fang et al. 2021, SEED),
 * the second where the teacher puts them.
 */
export type Distillation = {
  readonly kind: 'distillation';
  /** > 0 */
  readonly temperature: number;
  /** [N, N] row-major: the teacher's softmax, >= 0, 0 on the diagonal; every row sums to 1. */
  readonly targets: Float32Array;
  /** [N, D]: the teacher's vectors t, unit rows. */
  readonly vectors: Float32Array;
  /** >= 0 */
  readonly regression: number;
};
