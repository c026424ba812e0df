import { picturesOf } from '@simili/learning/batches/catalog';
import { taughtBatches } from '@simili/learning/batches/taught-batches';
import { itemsIn } from '@simili/learning/metrics/split';
import { initialWeights } from '@simili/learning/network/initial-weights';
import { narrowed } from '@simili/learning/network/narrowed';
import { presetNamed } from '@simili/learning/network/presets';
import type { NetworkSpec } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import type { Descent } from '@simili/learning/recipes/recipe';
import { studentModel } from '../../engines/onnx/export/student.ts';
import { itemAt } from '../data/item-at.ts';
import { type Members, openMembers } from '../network/members/index.ts';
import { freshState } from '../network/state.ts';
import { trainNetwork } from '../network/train-network.ts';
import type { DistilRequest, DistilResult, TrainingEvent } from '../protocol.ts';
import { teacherOf } from './teacher.ts';

/** Rows of a batch: so many neighbours has a picture in one. */
const ROWS = 192;
/** Share of a preset's channels: a student of 64 px then takes less than a millisecond a picture, too. */
const CHANNELS: Readonly<Record<string, number>> = { small: 0.5 };
/** docs/distil.md says what else was tried. */
const LOSS = { kind: 'distillation', temperature: 0.05, regression: 16 } as const;
const DESCENT: Omit<Descent, 'rows'> = {
  objective: null,
  peakRate: 0.1,
  warmUp: 0.05,
  momentum: 0.9,
  weightDecay: 2.5e-4,
  clip: 5,
  looks: 0,
};
/** Choices of another photographer, which change nothing for the teacher. */
const AUGMENTATION = 'mild';

/**
 * Trains a small network from pixels to give a teacher's neighbourhoods: what an encoder saw in the pictures of a set, whitened
 * as a model version has it. Only products of the split train teach.
 * @throws SimiliError ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the signal's reason when aborted.
 */
export async function distil(
  request: DistilRequest,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<DistilResult> {
  const { set, seed, steps, seconds } = request;
  const teacher = teacherOf(set, makeRandom(seed));
  const preset = presetNamed(request.preset);
  const spec: NetworkSpec = { ...narrowed(preset, CHANNELS[preset.name] ?? 1), embedding: teacher.dimensions };
  const pictures = Int32Array.from(picturesOf(set, itemsIn(set, 'train')));
  const rows = Math.min(ROWS, pictures.length);
  const source = taughtBatches({ pictures, vectorOf: teacher.vectorOf, rows, loss: LOSS, seed });
  const weights = initialWeights(spec, makeRandom(seed));
  const state = freshState('rank', weights, steps ?? 0);
  const members = await openMembers(request, {
    spec,
    rows,
    weights,
    augmentation: AUGMENTATION,
    backbone: null,
    set: { hashes: set.hashes, pixels: set.pixels },
  });
  try {
    await trainNetwork({
      state,
      members,
      source,
      recipe: { ...DESCENT, rows },
      seconds,
      signal,
      look: null,
      keep: null,
      itemOf: (picture) => itemAt(set.starts, picture),
      emit: emitOf(members, emit),
    });
  } finally {
    await members.close();
  }
  const { step, loss, activeShare } = state;
  return {
    model: studentModel(spec, state.weights),
    dimensions: spec.embedding,
    steps: step,
    pictures: step * rows * members.count,
    engine: members.reason,
    loss,
    elsewhere: activeShare,
  };
}

const emitOf = ({ reason }: Members, emit: (event: TrainingEvent) => void) => ({
  loss: (point: { step: number; loss: number; activeShare: number }) => emit({ type: 'loss', ...point }),
  progress: (done: number, etaSeconds: number) =>
    emit({ type: 'progress', done, etaSeconds, message: 'Training the student', engine: reason }),
});
