import { squaredDistance } from '@simili/learning/numbers/distance';
import { makeRandom } from '@simili/learning/numbers/random';
import { embedLinearly, fitLinearEmbedding } from '../baselines/linear-embedding.ts';
import { frozenVectors, goldenBlocks } from './golden.ts';
import { byVectors, type Compared, type Method, type MethodContext } from './method.ts';
import { embeddingsOf, SINGLE } from './networks.ts';
import { tripletsFor, vectorTable } from './oasis.ts';
import { learnedTriplets } from './relevance-triplets.ts';

const LENGTH = 128;
const BATCH = 32;

/** A linear embedding of both, trained as the network was. */
async function fit(context: MethodContext): Promise<Compared> {
  const network = await embeddingsOf(context, SINGLE);
  const features = frozenVectors(context.data, await goldenBlocks(context));
  const embed = async (pictures: Int32Array): Promise<Float32Array[]> => {
    const [own, others] = [await network(pictures), await features(pictures)];
    return own.map((vector, i) => Float32Array.of(...vector, ...others[i]!));
  };
  const table = await vectorTable(context, embed);
  const draw = await learnedTriplets(context, 'singleScaleVisual');
  const next = () => {
    const { q, p, n } = draw();
    return { q: table(q), p: table(p), n: table(n) };
  };
  const matrix = fitLinearEmbedding({
    d: next().q.length,
    length: LENGTH,
    draw: next,
    steps: Math.ceil(tripletsFor(context.data) / BATCH),
    batch: BATCH,
    gap: 0.3,
    weightDecay: 1e-3,
    rate: 0.1,
    random: makeRandom(context.seed),
  });
  context.signal.throwIfAborted();
  return byVectors(
    async (pictures) => (await embed(pictures)).map((vector) => embedLinearly(matrix, vector)),
    squaredDistance,
  );
}

export const singleScaleWithFeatures: Method = {
  name: 'singleScaleVisual',
  title: 'Single-scale ranking & visual feature',
  kind: 'learned',
  seeded: true,
  training: SINGLE,
  fit,
  source: 'paper, table 2: a linear embedding of the single-scale embedding and the golden features, hinge',
};
