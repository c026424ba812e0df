import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { type Chart, drawCharts, type Line } from '../cli/evaluate/line-chart.ts';
import { type HandMade, handMadeFeatures } from '../src/learning/features/index.ts';
import type { Block, ServedModel } from '../src/learning/served-model.ts';
import { splits } from '../src/learning/split.ts';
import { embeddingAlone } from '../workers/evaluation/methods/networks.ts';
import type { TrainingSet } from '../workers/training/protocol.ts';
import type { Measured } from './emoji/measure.ts';
import { openProduct, type Product, type Trained } from './emoji/product.ts';
import { flat, markdown, type References, type Row, rowOf } from './emoji/rows.ts';
import { seenEmoji } from './emoji/seen.ts';
import type { EmojiSet } from './emoji/set.ts';
import {
  bestNetworkShare,
  bestShares,
  judgeModel,
  measureTest,
  modelOf,
  plainModel,
  validationMap,
  withNetworkShare,
} from './emoji/systems.ts';
import { fashionRows } from './quality-fashion.ts';
import { writeResults } from './write-results.ts';

export type QualityOptions = {
  seeds: number;
  /** Of each network's training. */
  minutes: number;
  /** Engine processes of one thread each. */
  processes: number;
  preset: string;
  recipe: string;
  /** Seeds of the paper's plain hinge, trained as long; 0: without it. */
  hinge: number;
  /** Minutes of a student's distillation; 0: without it. */
  student: number;
  /** Compared with the shipped one, as SIMILI_ENCODER names them: scripts/pretrained.sh makes two. */
  encoders: readonly string[];
  /** Write the tables and curves into docs/. */
  docs: boolean;
};

const DOCS = new URL('../docs/', import.meta.url);
const CURVES = 'images/learning-curves.svg';
/** Looks at the validation mAP in one training. */
const LOOKS = 10;
const HINGE = 'deepRanking';
/** What commit 674c2d4 served after ten minutes of training on two cores, from its own run of this benchmark. */
const BEFORE = { system: 'served by commit 674c2d4 (its own run)', seeds: 3, p1: 0.784, map: 0.663 };

type Context = { product: Product; emoji: EmojiSet; options: QualityOptions };

/**
 * What the learning core is worth on the emoji development set (docs/quality.md): everything is chosen on 119 things while
 * 432 others are fitted on, then fitted again on both, and measured once on the remaining 302, through the engine process
 * that a worker uses.
 */
export async function quality(options: QualityOptions): Promise<Record<string, string | number>[]> {
  const product = await openProduct();
  try {
    const context = { product, options, emoji: await seenEmoji(product) };
    const { rows, references } = await withoutNetwork(context);
    for (const choice of options.encoders) {
      const seen = { ...context, emoji: await seenEmoji(product, choice) };
      rows.push(...(await frozenRows(seen, basename(choice), references)));
    }
    rows.push(...(await studentRows(context, references)));
    const main = await trainings(context, options.recipe, options.seeds);
    rows.push(...(await networkRows(context, main, '', references)));
    const hinge = await trainings(context, HINGE, options.hinge);
    rows.push(...(await networkRows(context, hinge, `, ${HINGE}`, references)));
    if (options.docs) await writeDocs(context, rows, { main, hinge });
    const drawings = [BEFORE, ...rows.map(flat)].map((row) => ({ set: 'emoji', ...row }));
    return [...drawings, ...(await fashionRows(options))];
  } finally {
    await product.close();
  }
}

/** Measured on test. */
const measureModel = async ({ product, emoji }: Context, model: ServedModel): Promise<Measured> =>
  measureTest(emoji.things, await judgeModel(product, emoji.things, emoji.set, model));

/** The hand-made features alone, whitened, and the mix of them whose shares do best on validation: the one to beat. */
async function withoutNetwork(context: Context): Promise<{ rows: Row[]; references: References }> {
  const { product, emoji } = context;
  const chosen = await product.golden(emoji.set);
  const golden = await product.golden(withValidation(emoji.set));
  const names = Object.keys(handMadeFeatures) as HandMade[];
  const blocks = blocksOf(golden, names);
  const shares = await bestShares(product, emoji, chosen, blocksOf(chosen, names));
  const mix = await measureModel(context, modelOf(golden, blocks, shares));
  const first = await measureModel(context, withSharesOf(golden, chosen));
  const references = { mix, first };
  const row = async (name: string, model: ServedModel) => rowOf(name, [await measureModel(context, model)], references);
  const own = ({ weight, feature }: Block) => (names.includes(feature as HandMade) ? weight : 0);
  const handMade = (model: ServedModel, by: ServedModel) => modelOf(model, model.blocks, by.blocks.map(own));
  const rows = [
    await row('raw 16 x 16 pixels', plainModel('pixels')),
    await row('colour histogram', plainModel('colour')),
    await row('HOG 8 x 8', plainModel('hog')),
    await row('HOG 8 x 8, whitened', modelOf(golden, blocks.slice(0, 1), [1])),
    await row('golden features, shares by max-margin', handMade(golden, chosen)),
    rowOf(`best mix without a network (${told(names, shares)})`, [mix], { mix: null, first }),
    await row('encoder, frozen', encoderAlone(golden)),
    rowOf('encoder and golden features: the first model', [first], { mix, first: null }),
  ];
  return { rows, references };
}

/** An encoder that was distilled on the training things: frozen, and as the first model has it. */
async function studentRows(context: Context, references: References): Promise<Row[]> {
  const { product, emoji, options } = context;
  const { preset, student: minutes } = options;
  if (minutes === 0) return [];
  const { set, steps } = await product.distil(emoji.set, { preset, seed: 1, seconds: 60 * minutes });
  process.stderr.write(`student ${preset}: ${steps} steps\n`);
  return frozenRows({ ...context, emoji: { ...emoji, set } }, `distilled student ${preset}`, references);
}

/** An encoder frozen, and as the first model has it. */
async function frozenRows(context: Context, name: string, references: References): Promise<Row[]> {
  const { product, emoji } = context;
  const chosen = await product.golden(emoji.set);
  const golden = await product.golden(withValidation(emoji.set));
  const row = async (system: string, model: ServedModel) =>
    rowOf(system, [await measureModel(context, model)], references);
  return [
    await row(`${name}, frozen`, encoderAlone(golden)),
    await row(`${name} and golden features`, withSharesOf(golden, chosen)),
  ];
}

/** The blocks of the encoder, each with the same share. */
function encoderAlone(model: ServedModel): ServedModel {
  const blocks = model.blocks.filter(({ encoder }) => encoder);
  return modelOf(
    model,
    blocks,
    blocks.map(() => 1),
  );
}

const told = (names: readonly string[], shares: readonly number[]): string =>
  names.map((name, i) => `${name} ${shares[i]}`).join(', ');

/** `choice` was fitted without the validation things, which decided its shares; `runs`, one a seed, with them. */
type Trainings = { choice: Trained; runs: Trained[] } | null;

async function trainings({ product, emoji, options }: Context, recipe: string, seeds: number): Promise<Trainings> {
  if (seeds === 0) return null;
  const { minutes, preset, processes } = options;
  const seconds = minutes * 60;
  const train = async (set: TrainingSet, seed: number): Promise<Trained> => {
    const training = { recipe, preset, seed, seconds, processes, checkpointSeconds: seconds / LOOKS };
    const trained = await product.train(set, training);
    const { steps, seconds: taken, summary } = trained;
    process.stderr.write(`${recipe} seed ${seed}: ${steps} steps, ${taken.toFixed(0)} s, ${JSON.stringify(summary)}\n`);
    return trained;
  };
  const choice = await train(emoji.set, 1);
  const runs: Trained[] = [];
  for (let seed = 1; seed <= seeds; seed++) runs.push(await train(withValidation(emoji.set), seed));
  return { choice, runs };
}

/** Validation things may teach, too: nothing is chosen any more. */
const withValidation = (set: TrainingSet): TrainingSet => ({
  ...set,
  splits: set.splits.map((split) => (splits[split] === 'val' ? splits.indexOf('train') : split)),
});

const blocksOf = ({ blocks }: ServedModel, features: readonly string[]) =>
  features.map((name) => blocks.find(({ feature }) => feature === name)!);

/** The blocks of one model with the shares that another one's have. */
const withSharesOf = (model: ServedModel, chosen: ServedModel): ServedModel =>
  modelOf(
    model,
    model.blocks,
    model.blocks.map(({ feature }) => blocksOf(chosen, [feature])[0]!.weight),
  );

/** The embedding as it is, whitened, and fused with the golden features as it is served. */
async function networkRows(
  context: Context,
  trainings: Trainings,
  note: string,
  references: References,
): Promise<Row[]> {
  if (!trainings) return [];
  const { product, emoji } = context;
  const { choice, runs } = trainings;
  const share = await bestNetworkShare(product, emoji, choice.model);
  const systems: Record<string, (model: ServedModel) => ServedModel | Promise<ServedModel>> = {
    'network alone': embeddingAlone,
    'network, whitened': (model) => modelOf(model, blocksOf(model, ['network']), [1]),
    'served vector: the network and all that is there without it': (model) => withSharesOf(model, choice.model),
    [`the same with a share of the network of ${share}, by validation mAP`]: (model) =>
      withNetworkShare(withSharesOf(model, choice.model), share),
  };
  const rows: Row[] = [];
  for (const [name, system] of Object.entries(systems)) {
    const measured: Measured[] = [];
    for (const { model } of runs) measured.push(await measureModel(context, await system(model)));
    rows.push(rowOf(name + note, measured, references));
  }
  return rows;
}

async function writeDocs(context: Context, rows: readonly Row[], runs: { main: Trainings; hinge: Trainings }) {
  if (runs.main) await writeFile(new URL(CURVES, DOCS), drawCharts(await curvesOf(context, runs)));
  const { seeds, minutes, processes, hinge } = context.options;
  const command = `npm run bench -- quality --seeds ${seeds} --minutes ${minutes} --processes ${processes}${hinge ? ` --hinge ${hinge}` : ''} --docs`;
  const steps = [...(runs.main?.runs ?? []), ...(runs.hinge?.runs ?? [])].map((run) => run.steps).join(', ');
  const facts = [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version},`,
    `\`${command}\`; steps of the trainings: ${steps}.`,
  ].join(' ');
  await writeResults(new URL('quality.md', DOCS), `${facts}\n\n${markdown(rows)}`);
}

const COLOURS = { main: '#0969da', hinge: '#bc4c00' };

/** Loss and validation mAP of the embedding alone, over the share of the training that is done. */
async function curvesOf(
  { product, emoji, options }: Context,
  runs: { main: Trainings; hinge: Trainings },
): Promise<Chart[]> {
  const losses: Line[] = [];
  const maps: Line[] = [];
  for (const kind of ['main', 'hinge'] as const) {
    const about = { label: kind === 'main' ? options.recipe : HINGE, colour: COLOURS[kind] };
    const { choice, runs: own = [] } = runs[kind] ?? {};
    const minutes = ({ steps, seconds }: Trained, step: number): number => ((step / steps) * seconds) / 60;
    for (const run of kind === 'main' ? own : []) {
      losses.push({ ...about, points: run.curve.map(({ step, loss }) => [minutes(run, step), loss]) });
    }
    if (!choice) continue;
    const points: [number, number][] = [];
    const last = { step: choice.steps, model: embeddingAlone(choice.model) };
    for (const { step, model: then } of [...choice.checkpoints, last]) {
      const judged = await judgeModel(product, emoji.things, emoji.set, then);
      points.push([minutes(choice, step), validationMap(emoji.things, judged)]);
    }
    maps.push({ ...about, points });
  }
  return [
    { title: `Training loss (${options.recipe})`, x: 'minutes', y: '', lines: losses },
    { title: 'Validation mAP of the embedding alone', x: 'minutes', y: '', lines: maps },
  ];
}
