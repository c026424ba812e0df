import { join } from 'node:path';
import { collect } from '../lab/evaluate/collect.ts';
import { type LabelledPictures, picturesIn } from '../lab/questions/labelled.ts';
import { meanOf } from '../learning/metrics/intervals.ts';
import { averagePrecision, precisionAtOne } from '../learning/metrics/metrics.ts';
import { withoutProxies } from '../learning/network/shapes.ts';
import { squaredDistance } from '../learning/numbers/distance.ts';
import { loadConfig } from '../src/config.ts';
import { trainingRequest } from '../test/support/training-request.ts';
import type { Fit } from '../workers/training/fit.ts';
import { trainedNetwork } from '../workers/training/network/index.ts';
import { extractByNetwork } from '../workers/training/network/network-feature.ts';
import { beginFit } from '../workers/training/train.ts';
import { emojiFolder, fashionFolder, type LabelledFolder } from './table-sets.ts';

type Row = Record<string, string | number>;
/** Changes of a fit that the recipe `catalog` is compared with. */
type Variant = { readonly name: string; readonly of: (fit: Fit) => Fit };

const OUT = new URL('out/table', import.meta.url).pathname;
const PRESET = 'tiny';
/** Pictures in one call of the engine. */
const AT_ONCE = 256;
const never = new AbortController().signal;

const variants: readonly Variant[] = [
  {
    name: 'deaf to categories',
    of: ({ categories: _heard, ...fit }) => ({
      ...fit,
      spec: withoutProxies(fit.spec, {}).spec,
      categories: { taught: null, why: 'not asked' },
    }),
  },
  { name: 'recipe catalog', of: (fit) => fit },
];

/**
 * Measures what categories are worth to the network of the recipe `catalog` by itself, on held-out pictures of Fashion-MNIST (an
 * answer has the query's category) and of the emoji development set (its identity).
 */
export async function categories({ seeds, steps }: { seeds: number; steps: number }): Promise<Row[]> {
  const folders = [await fashionFolder(OUT), await emojiFolder(OUT)];
  const rows: Row[] = [];
  for (const folder of folders) if (folder) rows.push(...(await compared(folder, seeds, steps)));
  return rows;
}

async function compared(folder: LabelledFolder, seeds: number, steps: number): Promise<Row[]> {
  const config = loadConfig({ ...process.env, SIMILI_DATA_DIR: join(OUT, 'data') });
  const { data } = await collect({
    images: folder.images,
    labels: folder.labels,
    triplets: null,
    preset: PRESET,
    encoderSides: [],
    seed: 1,
    config,
    onProgress: () => {},
    onProblems: () => {},
  });
  const fit = await fitOf(data, steps);
  const rows: Row[] = [];
  for (const { name, of } of variants) {
    for (let seed = 1; seed <= seeds; seed++) {
      const asked = of({ ...fit, seed });
      const figures = await trainedNetwork(asked, null, ({ weights }, { engine }) =>
        engine.setWeights(weights).then(() => measured(data, extractByNetwork(engine, asked.spec), asked)),
      );
      rows.push({ set: folder.name, network: name, seed, steps, ...figures });
      process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
    }
  }
  return rows;
}

const fitOf = ({ set }: LabelledPictures, steps: number): Promise<Fit> =>
  beginFit(trainingRequest(set, { preset: PRESET, recipe: 'catalog', seconds: 0, steps }), never, () => {});

/** Every held-out picture looks for the others of its identity, or of its category where it is the only one of its own. */
async function measured(
  data: LabelledPictures,
  extract: ReturnType<typeof extractByNetwork>,
  { load }: Fit,
): Promise<{ p1: string; map: string }> {
  const pictures = [...picturesIn(data, 'test')];
  const vectors: Float32Array[] = [];
  for (let at = 0; at < pictures.length; at += AT_ONCE)
    vectors.push(...(await extract(pictures.slice(at, at + AT_ONCE).map((picture) => load(picture, 64)))));
  const { identities, categories: groups } = data.labels;
  const isRight = (q: number, other: number) =>
    identities[q]! >= 0 ? identities[other] === identities[q] : groups[other] === groups[q];
  const answers = pictures.map((query, q) => {
    const others = [...pictures.keys()].filter((i) => i !== q);
    const far = new Map(others.map((i) => [i, squaredDistance(vectors[q]!, vectors[i]!)]));
    const ranking = others.sort((a, b) => far.get(a)! - far.get(b)!);
    const relevant = new Set(others.filter((i) => isRight(query, pictures[i]!)));
    return { p1: precisionAtOne(ranking, relevant), map: averagePrecision(ranking, relevant) };
  });
  const mean = (of: 'p1' | 'map') => meanOf(answers.map((answer) => answer[of])).toFixed(3);
  return { p1: mean('p1'), map: mean('map') };
}
