import { picturesOf } from '@simili/learning/batches/catalog';
import { scaleToUnit } from '@simili/learning/features/unit';
import { itemsIn } from '@simili/learning/metrics/split';
import { squaredDistance } from '@simili/learning/numbers/distance';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { l1HashKpca } from '../baselines/l1-hash-kpca.ts';
import { fitOasis, metricEmbedding, project } from '../baselines/oasis.ts';
import { fitBaseline } from './features.ts';
import { byVectors, type Compared, type Method, type MethodContext } from './method.ts';
import { embeddingsOf, SINGLE } from './networks.ts';
import { learnedTriplets, relevanceTriplets } from './relevance-triplets.ts';

/** C, in the middle of what the publication found to do well. */
const AGGRESSIVENESS = 0.1;
/** Times that validation triplets decide whether it was better before, and how many they are. */
const LOOKS = 10;
const HELD_OUT = 2000;

/** Triplets that a method on vectors learns from: fifty for each item, within bounds. */
export const tripletsFor = ({ set }: MethodContext['data']): number =>
  Math.min(30_000, Math.max(2000, 50 * itemsIn(set, 'train').length));

type Embed = (pictures: Int32Array) => Promise<Float32Array[]>;

/** Learns a bilinear similarity of vectors from relevance triplets, and compares by the metric nearest to it. */
async function oasisOn(context: MethodContext, embed: Embed): Promise<Compared> {
  const learners = await vectorTable(context, embed);
  const draw = await learnedTriplets(context, 'OASIS');
  const vectorsOf = ({ q, p, n }: Triplet) => ({ q: learners(q), p: learners(p), n: learners(n) });
  const held = await heldOutTriplets(context);
  const { set } = context.data;
  const d = learners(set.starts[itemsIn(set, 'train')[0]!]!).length;
  let best: { matrix: Float32Array; right: number } = { matrix: new Float32Array(0), right: 0 };
  let w: Float64Array | undefined;
  for (let look = 0; look < LOOKS; look++) {
    w = fitOasis({
      d,
      draw: () => vectorsOf(draw()),
      steps: tripletsFor(context.data) / LOOKS,
      aggressiveness: AGGRESSIVENESS,
      ...(w && { from: w }),
    });
    context.signal.throwIfAborted();
    const matrix = metricEmbedding(w, d);
    const right = held.filter((triplet) => isRight(matrix, vectorsOf(triplet))).length;
    // As good with more updates is better; with nothing held out the last one stays.
    if (right >= best.right) best = { matrix, right };
  }
  return byVectors(
    async (pictures) => (await embed(pictures)).map((vector) => project(best.matrix, vector)),
    squaredDistance,
  );
}

function isRight(matrix: Float32Array, { q, p, n }: { q: Float32Array; p: Float32Array; n: Float32Array }): boolean {
  const own = project(matrix, q);
  return squaredDistance(own, project(matrix, p)) < squaredDistance(own, project(matrix, n));
}

/** The vectors of all pictures that may teach or decide. */
export async function vectorTable({ data }: MethodContext, embed: Embed): Promise<(picture: number) => Float32Array> {
  const pictures = picturesOf(data.set, itemsIn(data.set, 'train', 'val'));
  const vectors = await embed(Int32Array.from(pictures));
  const rowOf = new Map(pictures.map((picture, row) => [picture, row]));
  return (picture) => vectors[rowOf.get(picture)!]!;
}

/** [] where no category has two validation pictures. */
async function heldOutTriplets(context: MethodContext): Promise<Triplet[]> {
  const draw = await relevanceTriplets(context, 'val', 7919);
  return draw ? Array.from({ length: HELD_OUT }, draw) : [];
}

/** The paper's vectors under OASIS (table 1): L1HashKPCA, scaled to unit length as OASIS has it. */
async function l1HashKpcaOf(context: MethodContext): Promise<Embed> {
  const { data } = context;
  const { represent } = fitBaseline(l1HashKpca, context);
  return async (pictures) => Array.from(pictures, (picture) => scaleToUnit(represent(data.load(picture))));
}

const source = 'OASIS (Chechik et al. 2010), C = 0.1, up to 30,000 updates, stopped early, made a metric at the end';

export const oasisOnFeatures: Method = {
  name: 'oasis',
  title: 'OASIS',
  kind: 'feature',
  seeded: false,
  training: null,
  source: `${source}; on L1HashKPCA as above, as in the paper`,
  fit: async (context) => oasisOn(context, await l1HashKpcaOf(context)),
};

export const oasisOnSingleScale: Method = {
  name: 'singleScaleOasis',
  title: 'OASIS on single-scale ranking',
  kind: 'learned',
  seeded: true,
  training: SINGLE,
  source: `${source}; on the single-scale embedding`,
  fit: async (context) => oasisOn(context, await embeddingsOf(context, SINGLE)),
};
