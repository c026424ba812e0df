import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Encoder } from '@simili/learning/models/encoder';
import type { Picture } from '@simili/learning/picture';
import { SimiliError } from 'simili/internal/errors';
import { openOnnxEncoder } from '../engines/onnx/encoder.ts';
import type { InstalledEncoder } from '../engines/onnx/encoder-description.ts';
import { findEncoder } from './find.ts';
import { trialPictures } from './trial-pictures.ts';

export type TriedEncoder = {
  readonly installed: InstalledEncoder;
  /** Size of its file. */
  readonly bytes: number;
  /** Milliseconds of CPU a picture: alone, and four at a time. That of one core, however busy the machine is. */
  readonly alone: number;
  readonly batched: number;
  /** MiB that the process held at most, and before it opened the network. */
  readonly peakMb: number;
  readonly idleMb: number;
  /** Largest difference of a vector from itself, as a share of its length: seen again, and seen among others. */
  readonly repeated: number;
  readonly amongOthers: number;
};

/** Rounds of each measurement, the fastest of which counts: the first ones warm up. */
const ROUNDS = 5;

/**
 * Runs an encoder on a few drawn pictures: what a file says is not yet what it does. A hostile one may never end, take any
 * memory or break the process.
 * @throws SimiliError IMPORT_UNREADABLE, MODEL_TOO_COSTLY, ENGINE_UNAVAILABLE
 */
export async function tryEncoder(choice: string, dataDir?: string): Promise<{ tried: TriedEncoder; encoder: Encoder }> {
  const installed = await findEncoder(choice, dataDir);
  if (!installed) throw new SimiliError('IMPORT_UNREADABLE', { source: choice, why: 'it names no encoder' });
  const idleMb = peakMb();
  const encoder = await openOnnxEncoder(installed, { threads: 1 });
  const pictures = trialPictures(encoder.input.side);
  const alone = await rowsOf(encoder, pictures, 1);
  const again = await rowsOf(encoder, pictures, 1);
  const together = await rowsOf(encoder, pictures, pictures.length);
  const tried = {
    installed,
    idleMb,
    bytes: (await stat(installed.path)).size,
    alone: again.milliseconds,
    batched: together.milliseconds,
    peakMb: peakMb(),
    repeated: largestDifference(alone.rows, again.rows),
    amongOthers: largestDifference(alone.rows, together.rows),
  };
  if (alone.rows.every((row) => difference(row, alone.rows[0]!) === 0))
    throw new SimiliError('IMPORT_UNREADABLE', {
      source: `the encoder ${installed.facts.id}`,
      why: 'it gives the same vector for different pictures',
    });
  return { tried, encoder };
}

/** Vectors of pictures, so many at a time, and milliseconds a picture in the fastest of some rounds. */
async function rowsOf(encoder: Encoder, pictures: readonly Picture[], size: number) {
  let milliseconds = Number.POSITIVE_INFINITY;
  const rows: Float32Array[] = [];
  for (let at = 0; at < pictures.length; at += size) {
    const batch = pictures.slice(at, at + size);
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      const vectors = await encoder.encode(batch);
      const { user, system } = process.cpuUsage(before);
      milliseconds = Math.min(milliseconds, (user + system) / 1000 / batch.length);
      if (round > 0) continue;
      for (let i = 0; i < batch.length; i++)
        rows.push(vectors.slice(i * encoder.dimensions, (i + 1) * encoder.dimensions));
    }
  }
  return { rows, milliseconds };
}

const largestDifference = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  Math.max(...a.map((row, i) => difference(row, b[i]!)));

/** Length of a - b, as a share of the length of a. */
function difference(a: Float32Array, b: Float32Array): number {
  const apart = Math.hypot(...a.map((value, i) => value - b[i]!));
  return apart === 0 ? 0 : apart / Math.max(Math.hypot(...a), Number.MIN_VALUE);
}

/**
 * MiB. Linux counts for `maxRSS` what the process was before it became Node, a copy of the one that started it: beside a large
 * worker an encoder would need as much as that. The high-water mark of its own memory does not.
 */
function peakMb(): number {
  const own = /^VmHWM:\s+(\d+) kB/m.exec(existsSync(STATUS) ? readFileSync(STATUS, 'utf8') : '');
  return (own ? Number(own[1]) : process.resourceUsage().maxRSS) / 1024;
}

const STATUS = '/proc/self/status';
