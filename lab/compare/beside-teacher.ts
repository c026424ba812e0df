import { meanOf } from '@simili/learning/metrics/intervals';
import { type Judged, judge, type Questions } from '@simili/learning/metrics/judge';
import { recallAt } from '@simili/learning/metrics/metrics';
import type { EncodedPictures, TrainingSet } from '@simili/worker/training/protocol';
import { encoderAlone, encoderWithGolden } from '../methods/encoder.ts';
import { goldenAlone } from '../methods/golden.ts';
import type { Compared, FrozenContext } from '../methods/method.ts';
import { type LabelledPictures, labelledPictures } from '../questions/labelled.ts';
import { questionsOf } from '../questions/questions.ts';

export type SystemName = 'teacher' | 'student' | 'golden' | 'teacher + golden' | 'student + golden';
export type SystemQuality = {
  readonly system: SystemName;
  /** Share of the teacher's NEIGHBOURS nearest that are among the system's own; null: nothing is held out. */
  readonly neighbours: number | null;
  /** Share of right first answers; null: nobody says what is right. */
  readonly p1: number | null;
  readonly map: number | null;
};
export type BesideTeacher = {
  readonly systems: readonly SystemQuality[];
  /** Held-out pictures, each of which is looked up among the others. */
  readonly pictures: number;
  /** Right answers: other pictures of the product, or other products of its category. */
  readonly right: 'product' | 'category';
};

export const NEIGHBOURS = 10;
const SEED = 1;

/**
 * Quality of a student beside its teacher and the hand-made features, on products that taught it nothing, among themselves
 * (split test): alone, and as the first version of a catalog has them, with the golden features.
 * @param set with vectors of the teacher (`encoded`)
 */
export async function besideTeacher(
  set: TrainingSet,
  student: EncodedPictures,
  signal: AbortSignal,
): Promise<BesideTeacher> {
  const taught: FrozenContext = { data: labelled(set), seed: SEED, signal };
  const learned: FrozenContext = { ...taught, data: labelled({ ...set, encoded: student }) };
  const questions = questionsOf(taught.data, { k: NEIGHBOURS, seed: SEED, rated: [] });
  const compared: Record<SystemName, () => Promise<Compared>> = {
    teacher: () => encoderAlone(taught),
    student: () => encoderAlone(learned),
    golden: () => goldenAlone(taught),
    'teacher + golden': () => encoderWithGolden(taught),
    'student + golden': () => encoderWithGolden(learned),
  };
  const teachers = await nearestUnder(await compared.teacher(), questions);
  const systems: SystemQuality[] = [];
  for (const [system, compare] of Object.entries(compared) as [SystemName, () => Promise<Compared>][]) {
    signal.throwIfAborted();
    const own = await nearestUnder(await compare(), questions);
    systems.push({ system, neighbours: shared(own.tops, teachers.tops), ...rightOf(own.judged) });
  }
  const right = questions.answer === 3 ? 'product' : 'category';
  return { systems, pictures: questions.gallery.length, right };
}

/** Products as identities, and their leaf categories. */
function labelled(set: TrainingSet): LabelledPictures {
  const { starts, categories, splits } = set;
  const items = [...categories.keys()];
  const byPicture = (of: (item: number) => number): Int32Array =>
    Int32Array.from(items.flatMap((item) => new Array(starts[item + 1]! - starts[item]!).fill(of(item))));
  return labelledPictures({
    set,
    labels: {
      identities: byPicture((item) => item),
      subgroups: byPicture(() => -1),
      categories: byPicture((item) => categories[item]!),
    },
    splits: Uint8Array.from(byPicture((item) => splits[item]!)),
    rated: [],
  });
}

type Nearest = {
  readonly judged: Judged;
  /** By query, nearest first. */
  readonly tops: readonly number[][];
};

async function nearestUnder(compared: Compared, questions: Questions): Promise<Nearest> {
  const { gallery } = questions;
  const distance = await compared(gallery);
  const tops: number[][] = [];
  const judged = judge(questions, (query) => {
    const distances = Float32Array.from(gallery, (picture) => distance(query, picture));
    const others = [...gallery.keys()].filter((row) => gallery[row] !== query);
    tops.push(others.sort((a, b) => distances[a]! - distances[b]!).slice(0, NEIGHBOURS));
    return distances;
  });
  return { judged, tops };
}

/** Mean share of the second's that are among the first's; null where there is nothing to tell apart. */
function shared(own: readonly number[][], teachers: readonly number[][]): number | null {
  const shares = own.map((top, query) => recallAt(top, new Set(teachers[query]!), NEIGHBOURS)).filter(Number.isFinite);
  return shares.length > 0 ? meanOf(shares) : null;
}

function rightOf({ values }: Judged): Pick<SystemQuality, 'p1' | 'map'> {
  const mean = (lists: readonly (readonly number[])[]): number | null => {
    const all = lists.flat();
    return all.length > 0 ? meanOf(all) : null;
  };
  return { p1: mean(values.p1), map: mean(values.map) };
}
