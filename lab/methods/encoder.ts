import type { Block } from '@simili/learning/models/served-model';
import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { type EncodedFeatures, openEncodedFeatures } from '@simili/worker/training/data/encoded-features';
import { fitEncoderBlocks } from '@simili/worker/training/features/encoder-block';
import { evenly, type Fitted, fusedBlocks, mixed, withEncoder } from '@simili/worker/training/fusion/mixture';
import { frozenVectors, goldenOf } from './golden.ts';
import { byVectors, type Compared, type FrozenContext, fittedOnce, type Method } from './method.ts';
import type { NetworkTraining } from './trainer.ts';

const NO_ENCODER = 'no encoder looked at these pictures (SIMILI_ENCODER)';
const HEAD: NetworkTraining = { recipe: 'head', scales: 'multi' };

type Seen = { readonly features: EncodedFeatures; readonly fitted: readonly Fitted[] };

/** Fitted once for both methods. @throws Error where no encoder looks: SIMILI_ENCODER=none. */
const seenBy = fittedOnce<Seen>(async (context) => {
  const { set } = context.data;
  if (!set.encoded) throw new Error(NO_ENCODER);
  const features = openEncodedFeatures(set.encoded);
  const { identity } = await goldenOf(context);
  return { features, fitted: fitEncoderBlocks(set, features, identity, makeRandom(context.seed)) };
});

/** D of the vector that blocks of hand-made features and of the encoder give. */
const byBlocks = ({ data }: FrozenContext, features: EncodedFeatures, blocks: readonly Block[]): Compared =>
  byVectors(frozenVectors(data, blocks, features), squaredDistance);

export async function encoderAlone(context: FrozenContext): Promise<Compared> {
  const { features, fitted } = await seenBy(context);
  return byBlocks(context, features, mixed(fitted, evenly(fitted.length, 1)));
}

export async function encoderWithGolden(context: FrozenContext): Promise<Compared> {
  const { features, fitted } = await seenBy(context);
  const golden = await goldenOf(context);
  const { structure, identity, rated } = golden;
  const evidence = { structure, identity, people: rated, choices: rated.length, sets: [] };
  return byBlocks(context, features, fusedBlocks(withEncoder(golden, fitted), evidence));
}

const about = { kind: 'feature', seeded: false, training: null } as const;

/** The pretrained network alone, what a catalog serves before anything is trained, and what the default recipe makes of that. */
export const encoders: readonly Method[] = [
  {
    ...about,
    name: 'encoder',
    title: 'Encoder, frozen',
    source: 'Simili: the pretrained network of SIMILI_ENCODER, centred, whitened within identities or by power',
    fit: encoderAlone,
  },
  {
    ...about,
    name: 'encoderGolden',
    title: 'Encoder and golden features',
    source: 'Simili: the first version of a catalog, without any training',
    fit: encoderWithGolden,
  },
  {
    name: 'encoderHead',
    title: 'Encoder and golden features under a head',
    kind: 'learned',
    seeded: true,
    training: HEAD,
    source: 'Simili: what the default recipe serves, the blocks above each under a linear map that is trained',
    async fit({ data: { set }, trainer, seed }) {
      if (!set.encoded) throw new Error(NO_ENCODER);
      const { model } = await trainer.trained(HEAD, seed);
      return byVectors((pictures) => trainer.vectors(model, pictures), squaredDistance);
    },
  },
];
