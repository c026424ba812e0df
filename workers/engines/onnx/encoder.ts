import { readFile } from 'node:fs/promises';
import type { Encoder } from '@simili/learning/models/encoder';
import type { Picture } from '@simili/learning/picture';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { SimiliError } from 'simili/internal/errors';
import { sha256 } from '../../tools/sha256.ts';
import type { InstalledEncoder } from './encoder-description.ts';
import { checkPorts, checkShape, featureAxis } from './encoder-ports.ts';
import { readModel } from './import-model.ts';
import { loadRuntime, type Runtime } from './runtime.ts';

/** Pictures in one pass: on a CPU more are no faster, and hold more memory. */
const CHUNK = 4;

/**
 * A pretrained network in an ONNX file, on the CPU.
 * @throws SimiliError IMPORT_UNREADABLE: the file is not the one that was described, or does not run; MODEL_TOO_COSTLY;
 * ENGINE_UNAVAILABLE.
 */
export async function openOnnxEncoder(
  { facts, description, path }: InstalledEncoder,
  { threads }: { threads: number },
): Promise<Encoder> {
  const refuse = (error: unknown) => refusal(`the encoder ${facts.id}`, error);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw refuse(error);
  });
  if (sha256(bytes) !== description.sha256)
    throw refuse(new Error(`${path} is not the file that its description is about`));
  const fixed = checkedBatch(description, bytes, refuse);
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  }).catch((error: unknown) => {
    throw refuse(error);
  });
  const running = { runtime, session, description };
  const size = fixed ?? CHUNK;
  return {
    ...facts,
    input: { side: description.input.side },
    contentKey: ({ contentHash }) => contentHash,
    async encode(batch) {
      const vectors = new Float32Array(batch.length * facts.dimensions);
      const inputOf = (at: number) => {
        const chunk = batch.slice(at, at + size);
        return { count: chunk.length, pictures: tensorOf(running, chunk, fixed ?? chunk.length) };
      };
      let next = batch.length > 0 ? inputOf(0) : null;
      for (let at = 0; next !== null; at += size) {
        const seen = run(running, next).catch((error: unknown) => {
          throw refuse(error);
        });
        seen.catch(() => {}); // told below, unless the next pictures are no pictures
        // While the network looks at these.
        next = at + size < batch.length ? inputOf(at + size) : null;
        vectors.set(await seen, at * facts.dimensions);
      }
      return vectors;
    },
    close: () => session.release(),
  };
}

type Description = InstalledEncoder['description'];
type Running = { runtime: Runtime; session: InferenceSession; description: Description };

function checkedBatch(description: Description, bytes: Uint8Array, refuse: (error: unknown) => Error): number | null {
  try {
    return checkPorts(description, readModel(bytes));
  } catch (error) {
    throw refuse(error);
  }
}

/** One line of it, without the place in the runtime's own source: what the runtime says is of many. */
function refusal(source: string, error: unknown): SimiliError {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  const why = line.replace(/^\S+\.(?:h|cc):\d+ .*?\) (?=[A-Z])/, '');
  return /bad_alloc|failed to allocate|allocation failed|out of memory/i.test(why)
    ? new SimiliError('MODEL_TOO_COSTLY', { source, why: 'running it takes too much memory' })
    : new SimiliError('IMPORT_UNREADABLE', { source, why });
}

/** @param size pictures that go in at once: those of the batch, and zeros behind. @throws RangeError: one is of another side. */
function tensorOf({ runtime, description: { input } }: Running, batch: readonly Picture[], size: number): Tensor {
  const { side } = input;
  const dims = input.layout === 'NCHW' ? [size, 3, side, side] : [size, side, side, 3];
  return new runtime.Tensor(toInput(batch, input, size), dims);
}

/** @param count of them that are pictures. @returns [count, dimensions] */
async function run(
  { session, description }: Running,
  { count, pictures }: { count: number; pictures: Tensor },
): Promise<Float32Array> {
  const { input, output } = description;
  const found = (await session.run({ [input.name]: pictures }, [output.name]))[output.name];
  if (!(found?.data instanceof Float32Array)) throw new Error(`it gives no float32 values named ${output.name}`);
  checkShape(found.dims, description, pictures.dims[0] as number);
  const vectors = pooled(found.data, found.dims, description).subarray(0, count * output.dimensions);
  if (!vectors.every(Number.isFinite)) throw new Error('it gives values that are no numbers');
  return vectors;
}

/** float32 in the layout that the network reads; every picture by the same tables, which is the cheap way. */
function toInput(
  batch: readonly Picture[],
  { side, layout, channels, mean, deviation }: Description['input'],
  size: number,
): Float32Array {
  const pixels = side * side;
  const out = new Float32Array(size * 3 * pixels);
  const tables = [0, 1, 2].map((c) => Float32Array.from({ length: 256 }, (_, v) => (v - mean[c]!) / deviation[c]!));
  for (const [row, picture] of batch.entries()) {
    if (picture.length !== 3 * pixels) throw new RangeError(`${picture.length} bytes are no picture of ${side} px`);
    for (let c = 0; c < 3; c++) {
      const table = tables[c]!;
      const from = channels === 'RGB' ? c : 2 - c;
      const start = row * 3 * pixels;
      if (layout === 'NCHW') {
        for (let i = 0, at = from, to = start + c * pixels; i < pixels; i++, at += 3)
          out[to + i] = table[picture[at]!]!;
      } else {
        for (let i = 0, at = from, to = start + c; i < pixels; i++, at += 3, to += 3) out[to] = table[picture[at]!]!;
      }
    }
  }
  return out;
}

/** [n, dimensions] of a map [n, d, h, w], [n, h, w, d], of tokens [n, t, d] or of what is pooled already. */
function pooled(values: Float32Array, dims: readonly number[], { input, output }: Description): Float32Array {
  const d = output.dimensions;
  if (output.pooling === 'none') return values;
  const n = dims[0] as number;
  const places = values.length / n / d;
  const isChannelsFirst = featureAxis(input.layout, output.pooling, dims.length) === 1;
  const out = new Float32Array(n * d);
  const used = output.pooling === 'first' ? 1 : places;
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let p = 0; p < used; p++) sum += values[row * d * places + (isChannelsFirst ? i * places + p : p * d + i)]!;
      out[row * d + i] = sum / used;
    }
  }
  return out;
}
