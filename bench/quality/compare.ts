import { basename } from 'node:path';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import { measured, SHIPPED, type Values, type Where } from './arena.ts';
import { flat, knownRow, type Row, rowOf } from './rows.ts';
import {
  encoderAlone,
  type FirstModel,
  fitFirst,
  isHandMade,
  partOf,
  withSharesOf,
  withValidation,
} from './systems.ts';
import { type Course, headRows, networkRows, seedsUpTo } from './trainings.ts';
import { tunedEncoders } from './tuned-encoder.ts';

export type CompareOptions = {
  readonly seeds: number;
  /** Steps of a network, and of a student; 0: without them. */
  readonly steps: number;
  readonly studentSteps: number;
  readonly preset: string;
  readonly recipe: string;
  /** Compared with the shipped one, as SIMILI_ENCODER names them: scripts/pretrained.sh makes two. */
  readonly encoders: readonly string[];
  /** Python with PyTorch and ONNX that fine-tunes the shipped one; '': without. */
  readonly peer: string;
};
export type Compared = {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly courses: { readonly network: Course; readonly head: Course };
};

const STUDENTS = ['tiny', 'small'];
const NOTHING: Course = { losses: [], maps: [] };

/** All systems on one set. Rows are told on stderr as they come. */
export async function compare(where: Where, options: CompareOptions): Promise<Compared> {
  const { arena, product } = where;
  const { seeds, steps, recipe, preset, peer } = options;
  const rows: Row[] = [];
  const add = (found: readonly Row[]) => {
    rows.push(...found);
    for (const row of found) process.stderr.write(`${JSON.stringify(flat(row))}\n`);
  };
  const set = await arena.seenBy(SHIPPED);
  const model = await fitFirst(product, set);
  const first = await measured(where, set, model.final);
  add(await shippedRows(where, set, model, first));
  for (const choice of options.encoders)
    add(await frozenRows(where, basename(choice), await arena.seenBy(choice), first));
  const head = seeds > 0 ? await headRows(where, set, model, seeds) : null;
  add(head?.rows ?? []);
  const training = { recipe, preset, steps };
  const network = seeds > 0 && steps > 0 ? await networkRows(where, set, training, { seeds, first }) : null;
  add(network?.rows ?? []);
  if (seeds > 0 && peer) add(await tunedRows(where, set, model, { seeds, peer, first }));
  for (const student of options.studentSteps > 0 ? STUDENTS : []) {
    const seen = await product.distil(set, { preset: student, seed: 1, steps: options.studentSteps });
    add(await frozenRows(where, `student ${student}`, seen, first));
  }
  return { name: arena.name, rows, courses: { network: network?.course ?? NOTHING, head: head?.course ?? NOTHING } };
}

async function shippedRows(where: Where, set: TrainingSet, { final }: FirstModel, first: Values): Promise<Row[]> {
  const { name, before } = where.arena;
  return [
    rowOf(name, 'golden features', [await measured(where, set, partOf(final, isHandMade))], first),
    knownRow(name, 'served by commit 674c2d4, trained', 3, before),
    rowOf(name, `${SHIPPED}, frozen`, [await measured(where, set, encoderAlone(final))], first),
    rowOf(name, `${SHIPPED} and golden features: the first model`, [first], null),
  ];
}

/** Another encoder alone, and as a first model has it. */
async function frozenRows(where: Where, name: string, set: TrainingSet, first: Values): Promise<Row[]> {
  const { final } = await fitFirst(where.product, set);
  return [
    rowOf(where.arena.name, `${name}, frozen`, [await measured(where, set, encoderAlone(final))], first),
    rowOf(where.arena.name, `${name} and golden features`, [await measured(where, set, final)], first),
  ];
}

/** The shipped encoder, its last stages fine-tuned on all but the test items, at the shares of the first model. */
async function tunedRows(
  where: Where,
  set: TrainingSet,
  model: FirstModel,
  { seeds, peer, first }: { seeds: number; peer: string; first: Values },
): Promise<Row[]> {
  const { arena, product } = where;
  const [alone, fused]: [Values[], Values[]] = [[], []];
  const tuning = { name: arena.name, set: withValidation(set), model: model.final, seeds: seedsUpTo(seeds) };
  for (const folder of await tunedEncoders(peer, tuning)) {
    const seen = withValidation(await arena.seenBy(folder));
    const final = withSharesOf(await product.golden(seen), model.chosen);
    alone.push(await measured(where, seen, encoderAlone(final)));
    fused.push(await measured(where, seen, final));
  }
  return [
    rowOf(arena.name, `${SHIPPED}, fine-tuned`, alone, first),
    rowOf(arena.name, `${SHIPPED}, fine-tuned, and golden features`, fused, first),
  ];
}
