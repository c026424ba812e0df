import { embeddingAlone } from '../../lab/methods/networks.ts';
import type { TrainingSet } from '../../workers/training/protocol.ts';
import type { Trained } from '../product.ts';
import { mapOf, measured, type Values, type Where } from './arena.ts';
import { type Row, rowOf } from './rows.ts';
import {
  bestNetworkShare,
  type FirstModel,
  isNetwork,
  partOf,
  withNetworkShare,
  withSharesOf,
  withValidation,
} from './systems.ts';

export type Curve = readonly (readonly [step: number, value: number])[];
/** How a training went: losses by step, one a seed, and the validation mAP of the network alone. */
export type Course = { readonly losses: readonly Curve[]; readonly maps: Curve };
export type Found = { readonly rows: readonly Row[]; readonly course: Course };

/** 1, 2 … */
export const seedsUpTo = (seeds: number): number[] => Array.from({ length: seeds }, (_, i) => i + 1);
const lossesOf = ({ curve }: Trained): Curve => curve.map(({ step, loss }) => [step, loss]);

/**
 * The head of the default recipe. It is fitted on train alone, since validation decides whether it is kept, and compared with the
 * first model that was fitted on the same.
 */
export async function headRows(where: Where, set: TrainingSet, { chosen }: FirstModel, seeds: number): Promise<Found> {
  const { arena, product } = where;
  const runs: Trained[] = [];
  for (const seed of seedsUpTo(seeds))
    runs.push(await product.train(set, { recipe: 'head', preset: 'tiny', seed, steps: null }));
  const kept = runs.filter(({ summary }) => typeof summary.head === 'object').length;
  const own: Values[] = [];
  for (const { model } of runs) own.push(await measured(where, set, model));
  const name = `first model under the head (kept by validation in ${kept} of ${seeds}; fitted on train alone)`;
  const row = rowOf(arena.name, name, own, await measured(where, set, chosen));
  return { rows: [row], course: { losses: runs.map(lossesOf), maps: [] } };
}

/** A network beside the first model: alone, at the share that max-margin gives it, and at the one that validation likes best. */
export async function networkRows(
  where: Where,
  set: TrainingSet,
  training: { recipe: string; preset: string; steps: number },
  { seeds, first }: { seeds: number; first: Values },
): Promise<Found> {
  const { arena, product } = where;
  const choice = await product.train(set, { ...training, seed: 1 });
  const share = await bestNetworkShare(where, set, choice.model);
  const all = withValidation(set);
  const runs: Trained[] = [];
  for (const seed of seedsUpTo(seeds)) runs.push(await product.train(all, { ...training, seed }));
  const own = choice.model.blocks.find(isNetwork)!.weight;
  const systems: Record<string, (model: Trained['model']) => Trained['model']> = {
    'network alone, whitened': (model) => partOf(model, isNetwork),
    [`first model and network (share ${own.toFixed(2)}, by max-margin)`]: (model) => withSharesOf(model, choice.model),
    [`first model and network (share ${share}, by validation mAP)`]: (model) =>
      withNetworkShare(withSharesOf(model, choice.model), share),
  };
  const rows: Row[] = [];
  for (const [name, system] of Object.entries(systems)) {
    const values: Values[] = [];
    for (const { model } of runs) values.push(await measured(where, set, system(model)));
    rows.push(rowOf(arena.name, name, values, first));
  }
  return { rows, course: { losses: runs.map(lossesOf), maps: await validationCurve(where, set, choice) } };
}

/** Curve of the embedding alone, by step. */
async function validationCurve(where: Where, set: TrainingSet, choice: Trained): Promise<Curve> {
  const points: [number, number][] = [];
  const last = { step: choice.steps, model: embeddingAlone(choice.model) };
  for (const { step, model } of [...choice.checkpoints, last])
    points.push([step, mapOf(await measured(where, set, model, 'val'))]);
  return points;
}
