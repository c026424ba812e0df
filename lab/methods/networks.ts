import type { Block, ServedModel } from '@simili/learning/models/served-model';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { byVectors, type Method, type MethodContext } from './method.ts';
import type { NetworkTraining } from './trainer.ts';

/** The network's embedding as it is: no whitening, no other feature. */
export function embeddingAlone({ network }: ServedModel): ServedModel {
  if (!network) throw new Error('This version has no network');
  return { blocks: [identityBlock('network', network.spec.embedding)], network };
}

/** A feature as it is: its map is the identity. */
export function identityBlock(feature: Block['feature'], length: number): Block {
  const projection = new Float32Array(length * length);
  for (let i = 0; i < length; i++) projection[i * length + i] = 1;
  return { feature, weight: 1, mean: new Float32Array(length), projection };
}

/** Unit vectors of the network that a method has trained. */
export async function embeddingsOf(
  { trainer, seed }: MethodContext,
  training: NetworkTraining,
): Promise<(pictures: Int32Array) => Promise<Float32Array[]>> {
  const model = embeddingAlone((await trainer.trained(training, seed)).model);
  return (pictures) => trainer.vectors(model, pictures);
}

const embedding = (name: string, title: string, source: string, training: NetworkTraining): Method => ({
  name,
  title,
  source,
  training,
  kind: 'learned',
  seeded: true,
  fit: async (context) => byVectors(await embeddingsOf(context, training), squaredDistance),
});

const ranked = { recipe: 'deepRanking' } as const;
export const SINGLE: NetworkTraining = { ...ranked, scales: 'single' };
const SERVED: NetworkTraining = { recipe: 'catalog', scales: 'multi' };

const deepRanking = embedding('deepRanking', 'DeepRanking', 'paper, table 2: all scales, hinge, importance sampling', {
  ...ranked,
  scales: 'multi',
});

/** Paper, table 2, without those that add something to a network. */
export const networks: readonly Method[] = [
  embedding('convNet', 'ConvNet (softmax)', 'paper, table 1: the last hidden layer of a classifier of categories', {
    recipe: 'softmax',
    scales: 'single',
  }),
  embedding('singleScale', 'Single-scale ranking', 'paper, table 2: the first branch alone, hinge', SINGLE),
  deepRanking,
  embedding('deepRankingUniform', 'DeepRanking, uniform sampling', 'paper, figure 6', {
    ...ranked,
    scales: 'multi',
    sampling: { outOfClassShare: 0, uniform: true },
  }),
  embedding('infoNce', 'Network of the recipe catalog', 'Simili: batch softmax over views, all scales', SERVED),
];

/** The vector that `similarItems` serves by the recipe of a network. */
export const served: Method = {
  name: 'served',
  title: 'Served vector with a network',
  kind: 'learned',
  seeded: true,
  training: SERVED,
  source: 'Simili: the network above and all that is frozen, whitened within identities and fused',
  fit: async ({ trainer, seed }) => {
    const { model } = await trainer.trained(SERVED, seed);
    return byVectors((pictures) => trainer.vectors(model, pictures), squaredDistance);
  },
};

const withShare = (share: number): Method =>
  embedding(`outOfClass${share}`, `DeepRanking, out-of-class share ${share}`, 'paper, figure 6', {
    ...ranked,
    scales: 'multi',
    sampling: { outOfClassShare: share, uniform: false },
  });

/** DeepRanking by the share of triplets whose negative is of another class: the paper's figure 6. */
export const outOfClassSweep: readonly { readonly share: number; readonly method: Method }[] = [
  { share: 0, method: withShare(0) },
  { share: 0.2, method: deepRanking },
  ...[0.4, 0.6, 0.8, 1].map((share) => ({ share, method: withShare(share) })),
];
