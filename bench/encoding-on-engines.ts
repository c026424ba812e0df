import { readFile, writeFile } from 'node:fs/promises';
import type { InferenceSession } from 'onnxruntime-node';
import sharp from 'sharp';
import { PICTURE_SIZE } from '../learning/picture.ts';
import { findEncoder } from '../workers/encoders/find.ts';
import { openOnnxEncoder } from '../workers/engines/onnx/encoder.ts';
import type { InstalledEncoder } from '../workers/engines/onnx/encoder-description.ts';
import { cpuDevice, cudaDevice, loadRuntime, type Runtime, webgpuDevice } from '../workers/engines/onnx/runtime.ts';
import { DECODERS, openPictures } from '../workers/pictures/picture-service.ts';
import { sha256 } from '../workers/tools/sha256.ts';
import { temporaryDir } from './running.ts';

const DEVICES = { onnx: cpuDevice, 'onnx-cuda': cudaDevice, 'onnx-webgpu': webgpuDevice };
/** Pictures in one pass. A worker's encoder takes 4. */
const BATCHES = [4, 32, 128];
type Row = Record<string, string | number>;
type OnEngines = { engines: readonly string[]; threads: number; seconds: number };

/**
 * The shipped encoder on other devices than a worker's CPU: `session.run` of its file on float32 pictures in memory. Before
 * it a worker's own encoder on this CPU, bytes in, and the decoding of files that comes before both. `apart` is the largest
 * distance of a picture's vector from the worker's, of its length.
 */
export async function encodingOnEngines({ engines, threads, seconds }: OnEngines): Promise<Row[]> {
  const encoder = (await findEncoder('efficientnet-lite0'))!;
  const rows: Row[] = [];
  const add = (row: Row) => {
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  };
  const { side } = encoder.description.input;
  const pictures = Array.from({ length: Math.max(...BATCHES) }, (_, i) => drawn(side, i));
  const worker = await openOnnxEncoder(encoder, { threads });
  const bytes = pictures.map((picture) => Uint8Array.from(picture));
  const right = await worker.encode(bytes);
  const perSecond = await rate(seconds, pictures.length, () => worker.encode(bytes));
  add({ engine: "a worker's encoder", device: `cpu (${threads} threads)`, batch: 4, picturesPerSecond: perSecond });
  await worker.close();
  add(await decodingRow());
  const runtime = await loadRuntime();
  for (const engine of engines)
    for (const row of await rowsOf({ runtime, encoder, engine, threads, seconds, pictures, right })) add(row);
  return rows;
}

type Asked = {
  runtime: Runtime;
  encoder: InstalledEncoder;
  engine: string;
  threads: number;
  seconds: number;
  pictures: readonly Float32Array[];
  /** [pictures, dimensions]: what a worker sees in them. */
  right: Float32Array;
};

async function rowsOf({ runtime, encoder, engine, threads, seconds, pictures, right }: Asked): Promise<Row[]> {
  const open = DEVICES[engine as keyof typeof DEVICES];
  if (!open) throw new Error(`Encoding is measured on ${Object.keys(DEVICES).join(', ')}, not on "${engine}"`);
  const device = await open(runtime, threads);
  const session = await device.open(await readFile(encoder.path), true);
  const rows: Row[] = [];
  for (const batch of BATCHES) {
    const run = passOf({ runtime, session, encoder, pictures: pictures.slice(0, batch) });
    const apart = farthest(await run(), right, encoder.facts.dimensions);
    const perSecond = await rate(seconds, batch, run);
    rows.push({ engine, device: device.title, batch, picturesPerSecond: perSecond, apart: apart.toExponential(1) });
  }
  await session.release();
  return rows;
}

type Pass = Pick<Asked, 'runtime' | 'encoder' | 'pictures'> & { session: InferenceSession };

/** @returns a forward pass of these pictures: [pictures, dimensions] */
function passOf({ runtime, session, encoder, pictures }: Pass): () => Promise<Float32Array> {
  const { input, output } = encoder.description;
  const values = new Float32Array(pictures.length * 3 * input.side ** 2);
  for (const [row, picture] of pictures.entries())
    for (let c = 0, to = row * picture.length; c < 3; c++)
      for (let i = c; i < picture.length; i += 3) values[to++] = (picture[i]! - input.mean[c]!) / input.deviation[c]!;
  const feeds = { [input.name]: new runtime.Tensor(values, [pictures.length, 3, input.side, input.side]) };
  return async () => (await session.run(feeds, [output.name]))[output.name]!.data as Float32Array;
}

function farthest(found: Float32Array, right: Float32Array, dimensions: number): number {
  let most = 0;
  for (let at = 0; at < found.length; at += dimensions) {
    let [difference, length] = [0, 0];
    for (let i = at; i < at + dimensions; i++) {
      difference += (found[i]! - right[i]!) ** 2;
      length += right[i]! ** 2;
    }
    most = Math.max(most, Math.sqrt(difference / length));
  }
  return most;
}

/** Smooth waves of another frequency and colour each, RGB from 0 to 255. */
const drawn = (side: number, which: number): Float32Array =>
  Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3];
    return Math.round(127.5 + 127.5 * Math.sin((x * (1 + (which % 7)) + y * (1 + (which % 11))) / 20 + c + which));
  });

/** @returns pictures a second, by the median pass */
async function rate(seconds: number, pictures: number, pass: () => Promise<unknown>): Promise<number> {
  await pass();
  const all: number[] = [];
  for (let spent = 0; spent < 1000 * seconds || all.length < 3; spent += all.at(-1)!) {
    const since = performance.now();
    await pass();
    all.push(performance.now() - since);
  }
  return Math.round((1000 * pictures) / all.sort((a, b) => a - b)[all.length >> 1]!);
}

const DECODED = 480;
/** Pixels of a shop's picture, each way. */
const FILE_SIDE = 1000;

/** Files of a shop's size to the pixels of both sides that ingest makes, by a worker's decoders. */
async function decodingRow(): Promise<Row> {
  const dir = await temporaryDir();
  const limits = {
    maxBytes: 10 ** 8,
    maxPixels: 10 ** 8,
    timeoutMs: 60_000,
    allowPrivate: false,
    background: '#ffffff',
  };
  const pictures = openPictures({ cacheDir: dir.path, limits });
  const files: { path: string; hash: string }[] = [];
  const raw = { width: FILE_SIDE, height: FILE_SIDE, channels: 3 as const };
  const noise = Uint8Array.from(drawn(FILE_SIDE, 3), (value, i) => Math.min(255, value * 0.9 + ((i * 7919) % 23)));
  for (let i = 0; i < DECODED + 2 * DECODERS; i++) {
    const bytes = await sharp(noise, { raw })
      .modulate({ hue: i % 360 })
      .jpeg({ quality: 80 + Math.floor(i / 360) })
      .toBuffer();
    const path = `${dir.path}/${i}.jpg`;
    await writeFile(path, bytes);
    files.push({ path, hash: sha256(bytes) });
  }
  const decode = (some: typeof files) =>
    Promise.all(some.map(({ path, hash }) => pictures.ensure(hash, path, undefined, [PICTURE_SIZE, 224])));
  await decode(files.splice(0, 2 * DECODERS)); // starts the processes
  const since = performance.now();
  await decode(files);
  const perSecond = Math.round((1000 * DECODED) / (performance.now() - since));
  await pictures.close();
  await dir.remove();
  return {
    engine: 'decoding 1000 x 1000 JPEG',
    device: `cpu (${DECODERS} processes)`,
    batch: 1,
    picturesPerSecond: perSecond,
  };
}
