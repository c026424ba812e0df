import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { meanOf } from '../../learning/metrics/intervals.ts';
import { recallAt } from '../../learning/metrics/metrics.ts';
import { itemsIn } from '../../learning/metrics/split.ts';
import { initialWeights } from '../../learning/network/initial-weights.ts';
import { presetNamed } from '../../learning/network/presets.ts';
import { squaredDistance } from '../../learning/numbers/distance.ts';
import { toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { Picture } from '../../learning/picture.ts';
import { describeStudent, STUDENT_FILE } from '../../workers/encoders/student.ts';
import { openOnnxEncoder } from '../../workers/engines/onnx/encoder.ts';
import { factsOf } from '../../workers/engines/onnx/encoder-description.ts';
import { studentModel } from '../../workers/engines/onnx/export/student.ts';
import { makePictureStore } from '../../workers/training/data/picture-store.ts';
import { distil } from '../../workers/training/distil/index.ts';
import { teacherOf } from '../../workers/training/distil/teacher.ts';
import type { DistilRequest, TrainingEvent } from '../../workers/training/protocol.ts';
import { drawn, KINDS, writeTrainingSet } from '../support/training-set.ts';

const never = new AbortController().signal;
/** The teacher sees of which colour the ink is, whatever its form: an untrained network sees the form before all. */
const encoder = { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: 3 };
const colourOf = (picture: Picture): number[] => {
  const at = picture.findIndex((value) => value < 200);
  return [...picture.subarray(at - (at % 3), at - (at % 3) + 3)];
};

let dir: string;
let request: DistilRequest;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-distil-test-'));
  const items = KINDS.flatMap((kind) =>
    Array.from({ length: 40 }, (_, i) => ({ id: `${kind}-${i}`, category: kind, pictures: [drawn(kind, i)] })),
  );
  const { set } = await writeTrainingSet(dir, items);
  const path = join(dir, 'teacher.f16');
  await writeFile(path, toHalf(Float32Array.from(items.flatMap(({ pictures }) => colourOf(pictures[0]!)))));
  request = {
    engine: 'onnx',
    requireGpu: false,
    threads: 1,
    gpus: [],
    processes: 1,
    set: { ...set, encoded: { encoder, path } },
    preset: 'tiny',
    seconds: 600,
    steps: 25,
    seed: 1,
  };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A student as an encoder that is installed in a folder. */
async function installed(model: Uint8Array, dimensions: number) {
  const folder = await mkdtemp(join(dir, 'student-'));
  const description = describeStudent('tiny', encoder, model, dimensions);
  const path = join(folder, STUDENT_FILE);
  await writeFile(path, model);
  return { facts: factsOf(description), description, path };
}

/** Mean share of the teacher's five nearest that are the student's, of held-out products among themselves. */
async function recallOf(model: Uint8Array, dimensions: number): Promise<number> {
  const { set } = request;
  const eye = await openOnnxEncoder(await installed(model, dimensions), { threads: 1 });
  const load = makePictureStore(set);
  const held = [...itemsIn(set, 'val', 'test')];
  const vectors = await eye.encode(held.map((picture) => load(picture, eye.input.side)));
  await eye.close();
  const student = held.map((_, i) => vectors.subarray(i * dimensions, (i + 1) * dimensions));
  const teacher = held.map(teacherOf(set, makeRandom(1)).vectorOf);
  const nearest = (rows: Float32Array[], query: number) =>
    [...held.keys()]
      .filter((i) => i !== query)
      .sort((a, b) => squaredDistance(rows[query]!, rows[a]!) - squaredDistance(rows[query]!, rows[b]!))
      .slice(0, 5);
  return meanOf(held.map((_, query) => recallAt(nearest(student, query), new Set(nearest(teacher, query)), 5)));
}

test('a student finds more of the neighbours of its teacher among products that taught it nothing than before it learned', async () => {
  const [before, after] = [
    await distil({ ...request, steps: 1 }, never, () => {}),
    await distil(request, never, () => {}),
  ];
  expect(after.elsewhere).toBeLessThan(before.elsewhere - 0.1);
  const untrained = await recallOf(before.model, before.dimensions);
  expect(await recallOf(after.model, after.dimensions)).toBeGreaterThan(untrained + 0.15);
});

test('the same seed and steps give the same student, byte for byte, and another seed another one', async () => {
  const few = { ...request, steps: 3 };
  const [first, again, other] = [
    await distil(few, never, () => {}),
    await distil(few, never, () => {}),
    await distil({ ...few, seed: 2 }, never, () => {}),
  ];
  expect(Buffer.from(again.model).equals(Buffer.from(first.model))).toBe(true);
  expect(Buffer.from(other.model).equals(Buffer.from(first.model))).toBe(false);
  expect(first).toMatchObject({ steps: 3, pictures: 3 * learners(), dimensions: 3 });
});
const learners = () => request.set.splits.filter((split) => split === 0).length;

test("a student of 64 px has half of its preset's channels", async () => {
  const { model } = await distil({ ...request, preset: 'small', steps: 1 }, never, () => {});
  const { length } = initialModel('small');
  expect(model.length).toBeGreaterThan(0.2 * length);
  expect(model.length).toBeLessThan(0.6 * length);
});
const initialModel = (preset: string) =>
  studentModel(presetNamed(preset), initialWeights(presetNamed(preset), makeRandom(1)));

test('a student tells how far it is, and one that is stopped ends', async () => {
  const events: TrainingEvent[] = [];
  const stop = new AbortController();
  const stopped = distil({ ...request, steps: 100_000 }, stop.signal, (event) => {
    events.push(event);
    if (event.type === 'progress') stop.abort(new Error('enough'));
  });
  await expect(stopped).rejects.toThrow('enough');
  expect(events).toContainEqual(expect.objectContaining({ type: 'loss', loss: expect.any(Number) }));
});

test('a set that no encoder looked at has no teacher', async () => {
  const { encoded: _, ...set } = request.set;
  await expect(distil({ ...request, set }, never, () => {})).rejects.toThrow('No encoder looked');
});
