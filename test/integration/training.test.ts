import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initialWeights } from '../../src/learning/network/initial-weights.ts';
import { presetNamed } from '../../src/learning/network/presets.ts';
import { zerosLike } from '../../src/learning/optimiser.ts';
import { makeRandom } from '../../src/learning/random.ts';
import { PICTURE_SIZE, type Picture } from '../../src/learning/served-model.ts';
import { splitOf } from '../../src/learning/split.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { embed } from '../../workers/training/embed.ts';
import { fitModel } from '../../workers/training/fit-model.ts';
import type { TrainingEvent, TrainingRequest } from '../../workers/training/protocol.ts';
import { encodeState } from '../../workers/training/state.ts';
import { type NetworkTraining, SETTINGS, trainNetwork } from '../../workers/training/train-network.ts';

const CHOICE = { engine: 'onnx', requireGpu: false, threads: 1 } as const;
const KINDS = ['wide', 'tall', 'framed'] as const;

/** A rectangle of one of three forms in one of many colours, on white. */
function drawn(kind: (typeof KINDS)[number], i: number): Picture {
  const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
  const colour = [(37 * i) % 200, (91 * i + 60) % 200, (53 * i + 120) % 200];
  const inside = (x: number, y: number): boolean => {
    if (kind === 'wide') return y > 20 + (i % 4) && y < 44;
    if (kind === 'tall') return x > 20 + (i % 4) && x < 44;
    return x < 8 || y < 8 || x > 56 - (i % 4) || y > 56;
  };
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) if (inside(x, y)) picture.set(colour, (y * PICTURE_SIZE + x) * 3);
  }
  return picture;
}

let dir: string;
let request: TrainingRequest;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-training-'));
  const items = await Promise.all(
    KINDS.flatMap((kind) =>
      Array.from({ length: 24 }, async (_, i) => {
        const id = `${kind}-${i}`;
        await writeFile(join(dir, id), drawn(kind, i));
        return { id, category: kind, split: splitOf(id), pictures: [join(dir, id)] };
      }),
    ),
  );
  request = {
    ...CHOICE,
    kind: 'GOLDEN',
    items,
    feedback: [],
    seconds: 5,
    seed: 1,
    checkpointSeconds: 1,
    checkpoint: null,
  };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const never = new AbortController().signal;

async function served(artefact: Uint8Array, name: string) {
  const artefactPath = join(dir, name);
  await writeFile(artefactPath, artefact);
  const checksum = createHash('sha256').update(artefact).digest('hex');
  return embed({
    ...CHOICE,
    artefactPath,
    checksum,
    pictures: request.items.map(({ pictures }) => pictures[0] as string),
  });
}

/** Share of held-out products whose nearest other product is of their own category; chance is a third. */
function nearestIsKin({ vectors, dimensions }: { vectors: Float32Array; dimensions: number }): number {
  const { items } = request;
  const distance = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < dimensions; k++) sum += (vectors[i * dimensions + k]! - vectors[j * dimensions + k]!) ** 2;
    return sum;
  };
  const held = items.flatMap(({ split }, i) => (split === 'test' ? [i] : []));
  const right = held.filter((q) => {
    const others = items.map((_, i) => i).filter((i) => i !== q);
    const nearest = others.reduce((best, i) => (distance(q, i) < distance(q, best) ? i : best));
    return items[nearest]?.category === items[q]?.category;
  });
  return right.length / held.length;
}

test('a first model from hand-made features ranks products it never saw, the same every time, in unit vectors', async () => {
  const first = await fitModel(request, never, () => {});
  const again = await fitModel(request, never, () => {});
  expect(Buffer.from(first.artefact).equals(Buffer.from(again.artefact))).toBe(true);
  const answer = await served(first.artefact, 'golden');
  expect(answer.dimensions).toBe(first.dimensions);
  for (let i = 0; i < request.items.length; i++) {
    const row = answer.vectors.subarray(i * answer.dimensions, (i + 1) * answer.dimensions);
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
  }
  expect(nearestIsKin(answer)).toBeGreaterThan(0.9);
}, 60_000);

test('a network is trained, fused and embedded; its loss falls, and its events tell how far it is', async () => {
  const events: TrainingEvent[] = [];
  const result = await fitModel({ ...request, kind: 'NETWORK' }, never, (event) => events.push(event));
  const losses = events.flatMap((event) => (event.type === 'loss' ? [event.loss] : []));
  expect(losses.at(-1)).toBeLessThan(losses[0] as number);
  const done = events.flatMap((event) => (event.type === 'progress' ? [event.done] : []));
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(events.some((event) => event.type === 'checkpoint')).toBe(true);
  expect(result.summary).toMatchObject({ engine: expect.stringContaining('onnx on cpu') });
  expect(nearestIsKin(await served(result.artefact, 'network'))).toBeGreaterThan(0.9);
}, 60_000);

test('an artefact with one changed byte is refused', async () => {
  // A seed of its own: a version that is loaded already is not read again.
  const { artefact } = await fitModel({ ...request, seed: 2 }, never, () => {});
  const path = join(dir, 'damaged');
  const checksum = createHash('sha256').update(artefact).digest('hex');
  artefact[artefact.length - 5]! ^= 1;
  await writeFile(path, artefact);
  await expect(embed({ ...CHOICE, artefactPath: path, checksum, pictures: [] })).rejects.toMatchObject({
    code: 'ARTEFACT_CORRUPT',
  });
}, 30_000);

test('an aborted training ends with the reason, within a step', async () => {
  const stop = new AbortController();
  const running = fitModel({ ...request, kind: 'NETWORK', seconds: 600 }, stop.signal, (event) => {
    if (event.type === 'loss') stop.abort(new Error('enough'));
  });
  await expect(running).rejects.toThrow('enough');
}, 60_000);

test('a training that goes on from a checkpoint ends bit for bit where the straight one ends', async () => {
  const spec = presetNamed('tiny');
  const weights = initialWeights(spec, makeRandom(5));
  const fresh = {
    step: 0,
    totalSteps: 8,
    loss: 0,
    activeShare: 0,
    weights,
    velocity: zerosLike(weights),
  };
  const start = encodeState(fresh, makeRandom(6), 'this request');
  const saved = new Map<number, Uint8Array>();
  const run = async (checkpoint: Uint8Array) => {
    const engine = await openOnnxEngine(spec, weights, { triplets: 8, threads: 1 });
    const training: NetworkTraining = {
      ...{
        spec,
        engine,
        checkpoint,
        seed: 1,
        seconds: 1,
        checkpointSeconds: 0,
        signal: never,
        fingerprint: 'this request',
      },
      settings: { ...SETTINGS, triplets: 8 },
      tripletSource: (random) => () => ({ q: random.int(24), p: random.int(24), n: 24 + random.int(48) }),
      pictureOf: (i) => drawn(KINDS[Math.floor(i / 24)]!, i % 24),
      emit: { loss: () => {}, progress: () => {}, checkpoint: (step, state) => saved.set(step, state) },
    };
    const { weights: trained, steps } = await trainNetwork(training);
    await engine.dispose();
    expect(steps).toBe(8);
    return Buffer.concat(
      Object.values(trained).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
    );
  };
  const straight = await run(start);
  for (const step of [1, 5, 7]) expect((await run(saved.get(step)!)).equals(straight)).toBe(true);
}, 60_000);
