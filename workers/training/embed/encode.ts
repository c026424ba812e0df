import { goldenOf } from '@simili/learning/features/golden';
import type { Encoder } from '@simili/learning/models/encoder';
import { toHalf } from '@simili/learning/numbers/half';
import type { Picture } from '@simili/learning/picture';
import { openOnnxEncoder } from '../../engines/onnx/encoder.ts';
import type { InstalledEncoder } from '../../engines/onnx/encoder-description.ts';
import { makePictureStore } from '../data/picture-store.ts';
import { sideBySide } from '../features/blocks.ts';
import type { EncodeRequest, EncodeResult } from '../protocol.ts';

type Opened = {
  readonly encoder: Promise<Encoder>;
  /** Settles when all that it was asked until now is done. */
  busy: Promise<unknown>;
};
/** The configured one, and that of another version or of a training. Each holds its network in memory. */
const MOST_OPEN = 2;
/** By id, those used last at the end. */
const open = new Map<string, Opened>();

/** Vectors of an eye for pictures of the pixel cache. @throws SimiliError IMPORT_UNREADABLE, ENGINE_UNAVAILABLE. */
export async function encode({ encoder: eye, pictures, folder, threads }: EncodeRequest): Promise<EncodeResult> {
  const { side } = eye.description.input;
  const load = makePictureStore({ hashes: Buffer.from(pictures.join(''), 'hex'), pixels: { [side]: folder } }, 0);
  const batch = pictures.map((_hash, i) => load(i, side));
  const rows = eye.path === null ? sideBySide(batch.map(goldenOf)) : await seenBy(opened(eye, threads), batch);
  return { vectors: toHalf(rows) };
}

function seenBy(opened: Opened, batch: readonly Picture[]): Promise<Float32Array> {
  const seen = opened.encoder.then((encoder) => encoder.encode(batch));
  opened.busy = Promise.allSettled([opened.busy, seen]);
  return seen;
}

function opened(installed: InstalledEncoder, threads: number): Opened {
  const { id } = installed.facts;
  const known = open.get(id) ?? { encoder: openOnnxEncoder(installed, { threads }), busy: Promise.resolve() };
  known.encoder.catch(() => open.delete(id)); // looked for again with the next call
  open.delete(id);
  open.set(id, known);
  if (open.size > MOST_OPEN) void closed(open.keys().next().value as string);
  return known;
}

/** One that is asked at this moment answers before. */
async function closed(id: string): Promise<void> {
  const old = open.get(id)!;
  open.delete(id);
  await old.busy;
  await (await old.encoder.catch(() => null))?.close();
}
