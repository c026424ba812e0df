import { expect, test } from 'vitest';
import { GOLDEN } from '../../learning/features/golden.ts';
import { handMadeFeatures } from '../../learning/features/index.ts';
import type { Block, ServedModel } from '../../learning/models/served-model.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { openProjection } from '../../workers/engines/onnx/projection.ts';
import { plainProjection } from '../../workers/training/embed/project.ts';

const random = makeRandom(5);
const eye = { id: 'eye-1', title: 'An eye', licence: 'MIT', dimensions: 33 };
const block = (feature: string, d: number, k: number, weight: number): Block => ({
  feature,
  weight,
  ...(feature === eye.id && { encoder: eye }),
  mean: Float32Array.from({ length: d }, () => random.gaussian() / 10),
  projection: Float32Array.from({ length: k * d }, () => 20 * random.gaussian()),
});
const { hog, pixels, colour } = handMadeFeatures;
const model: ServedModel = {
  blocks: [
    block('hog', hog.length, 20, 0.2),
    block('pixels', pixels.length, 11, 0.1),
    block('colour', colour.length, 64, 0),
    block(eye.id, eye.dimensions, 17, 0.7),
  ],
  network: null,
};
const N = 7;
/** The third picture is blank to the hand-made features, the fourth to all. */
const isBlank = (feature: string, row: number) => row === 3 || (row === 2 && feature !== eye.id);
const features = Object.fromEntries(
  model.blocks.map(({ feature, mean: { length: d } }) => [
    feature,
    Float32Array.from({ length: N * d }, (_, at) => (isBlank(feature, Math.floor(at / d)) ? 0 : random.next() / 9)),
  ]),
);

const LENGTH = 20 + 11 + 64 + 17;
const UNITS = 9;
const gaussians = (n: number, scale: number) => Float32Array.from({ length: n }, () => scale * random.gaussian());
const hidden = {
  inner: gaussians(UNITS * LENGTH, 1),
  shift: gaussians(UNITS, 0.5),
  outer: gaussians(LENGTH * UNITS, 0.3),
};
const bent: ServedModel = { ...model, hidden };

const unit = (row: readonly number[]) => row.map((value) => value / (Math.hypot(...row) || 1));

/** In plain steps and double precision: centre, project, unit length, scale, side by side, unit length; and what hidden units add. */
function expected(row: number, { hidden: layer }: ServedModel): number[] {
  const parts = model.blocks.map(({ feature, mean, projection, weight }) => {
    const d = mean.length;
    const x = [...features[feature]!.subarray(row * d, (row + 1) * d)];
    const y = Array.from({ length: projection.length / d }, (_, k) =>
      x.reduce((sum, value, i) => sum + projection[k * d + i]! * (value - mean[i]!), 0),
    );
    return { part: x.every((value) => value === 0) ? y.map(() => 0) : unit(y), root: Math.sqrt(weight) };
  });
  const whole = (rows: typeof parts) => unit(rows.flatMap(({ part, root }) => part.map((value) => value * root)));
  const linear = whole(parts);
  if (!layer) return linear;
  const units = [...layer.shift].map((shift, h) =>
    Math.max(
      0,
      linear.reduce((sum, value, i) => sum + layer.inner[h * LENGTH + i]! * value, shift),
    ),
  );
  let at = 0;
  return whole(
    parts.map(({ part, root }) => {
      const sums = part.map((value) => {
        const own = at++;
        return units.reduce((sum, unitValue, h) => sum + layer.outer[own * UNITS + h]! * unitValue, value);
      });
      return { part: part.some((value) => value !== 0) ? unit(sums) : part, root };
    }),
  );
}

test.each([
  ['one graph', model],
  ['picture by picture', model],
  ['one graph, with hidden units', bent],
  ['picture by picture, with hidden units', bent],
])('stored features become the vectors that are served: %s', async (way, served) => {
  const projection = way.startsWith('one') ? await openProjection(served, 1) : plainProjection(served);
  const vectors = await projection.project(features, N);
  expect(vectors).toHaveLength(N * LENGTH);
  for (let row = 0; row < N; row++) {
    const own = vectors.subarray((row * vectors.length) / N, ((row + 1) * vectors.length) / N);
    for (const [i, value] of expected(row, served).entries()) expect(own[i]).toBeCloseTo(value, 5);
    expect(Math.hypot(...own)).toBeCloseTo(row === 3 ? 0 : 1, 5);
  }
  expect(await projection.project(features, 0)).toHaveLength(0);
  await projection.close();
});

test('features that are missing, or of other pictures, are told', async () => {
  const projection = await openProjection(model, 1);
  const { [eye.id]: _, ...others } = features;
  await expect(projection.project(others, N)).rejects.toThrow('no values of eye-1 for 7 pictures');
  await expect(projection.project(features, N - 1)).rejects.toThrow('values of hog for 6 pictures');
  await projection.close();
  expect(GOLDEN.dimensions).toBe(hog.length + pixels.length + colour.length);
});
