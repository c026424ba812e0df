import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { besideTeacher } from '@simili/lab/compare/beside-teacher';
import { encodeSet } from '@simili/lab/compare/encode-set';
import { findEncoder } from '@simili/worker/encoders/find';
import { describeStudent, STUDENT_FILE } from '@simili/worker/encoders/student';
import type { TriedEncoder } from '@simili/worker/encoders/try-encoder';
import { tryEncoderSafely } from '@simili/worker/encoders/try-model';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import { type EngineHost, openEngineHost } from '@simili/worker/training/engine-client';
import type { DistilResult, TrainingSet } from '@simili/worker/training/protocol';
import type { Config } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { showProgress } from '../progress.ts';
import { openShop, type Shop } from '../shop/open-shop.ts';
import { collectTaught } from './collect.ts';
import { type DistilReport, makeReport } from './report.ts';

export type DistilOptions = {
  readonly preset: string;
  readonly seconds: number;
  /** In place of seconds; null: as many as fit. */
  readonly steps: number | null;
  readonly seed: number;
  /** Folder of the student, which is made. */
  readonly out: string;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Where progress is told. */
  readonly stream: NodeJS.WriteStream;
};

const REPORT = 'distilled.json';
const TRY_MS = 60_000;

/**
 * Trains a student on the catalog of the configured shop, writes it as an encoder folder into `out`, and measures it beside its
 * teacher.
 * @throws SimiliError INVALID_ARGUMENT, CONFIGURATION_INVALID, CATALOG_TOO_SMALL, ENGINE_UNAVAILABLE, TRAINING_DIVERGED; the
 * signal's reason when aborted: then there is no folder, or a whole one.
 */
export async function distil(options: DistilOptions): Promise<DistilReport> {
  const { config, signal, stream } = options;
  const out = resolve(options.out);
  if (existsSync(out)) throw new SimiliError('INVALID_ARGUMENT', { argument: '--out', why: 'is there already' });
  const teacher = await findEncoder(config.SIMILI_ENCODER, config.SIMILI_DATA_DIR);
  if (!teacher)
    throw new SimiliError('CONFIGURATION_INVALID', { why: 'there is no teacher where SIMILI_ENCODER is none' });
  const say = (line: string) => void stream.write(`${line}\n`);
  const dir = await mkdtemp(join(tmpdir(), 'simili-distil-'));
  const host = openEngineHost('the trainer', config);
  try {
    const path = join(dir, 'teacher.f16');
    const { set, products, unseen, unreadable } = await withShop(config, (shop) =>
      collectTaught(shop, host, { config, teacher, path, signal }),
    );
    if (unseen > 0) say(`${unseen} pictures left out: ${teacher.facts.id} has not looked at them`);
    if (unreadable > 0) say(`${unreadable} pictures left out: they cannot be read now`);
    say(`${teacher.facts.title} teaches ${options.preset} on ${products} products, ${set.hashes.length / 32} pictures`);
    const started = performance.now();
    const trained = await train(host, set, options);
    const seconds = (performance.now() - started) / 1000;
    const student = await writeStudent(out, trained, teacher, options.preset);
    say(`${student.facts.id} is in ${out}; measuring it`);
    const seen = await encodeSet(set, student, join(dir, 'student.f16'), (request) => host.encode(request, signal));
    const quality = await besideTeacher(set, seen, signal);
    const [own, teachers] = [await costOf(out), await costOf(config.SIMILI_ENCODER)];
    const training = { preset: options.preset, seed: options.seed, seconds, products, ...trained };
    const report = makeReport({ training, out, quality, student: own, teacher: teachers });
    await writeFile(join(out, REPORT), `${JSON.stringify(report, null, 2)}\n`);
    return report;
  } finally {
    await host.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** An embedded database is free again while a student learns. */
async function withShop<T>({ SIMILI_CATALOG: catalog }: Config, use: (shop: Shop) => Promise<T>): Promise<T> {
  const shop = await openShop(catalog);
  try {
    return await use(shop);
  } finally {
    await shop.close();
  }
}

async function train(host: EngineHost, set: TrainingSet, options: DistilOptions): Promise<DistilResult> {
  const { preset, seconds, steps, seed, signal, stream } = options;
  const bar = showProgress('training, percent', 100, stream);
  try {
    return await host.distil({ set, preset, seconds, steps, seed }, signal, async (event) => {
      if (event.type === 'progress') bar.update(Math.round(100 * event.done));
    });
  } finally {
    bar.stop();
  }
}

/** A folder that is there is whole. @throws SimiliError INVALID_ARGUMENT where nothing can be written. */
async function writeStudent(
  out: string,
  { model, dimensions }: DistilResult,
  teacher: InstalledEncoder,
  preset: string,
): Promise<InstalledEncoder> {
  const aside = `${out}.${process.pid}.part`;
  try {
    await mkdir(dirname(out), { recursive: true });
    await mkdir(aside);
    const description = describeStudent(preset, teacher.facts, model, dimensions);
    await writeFile(join(aside, STUDENT_FILE), model);
    await writeFile(join(aside, 'encoder.json'), `${JSON.stringify(description, null, 2)}\n`);
    await rename(aside, out);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    const why = `cannot be written: ${(error as Error).message}`;
    throw new SimiliError('INVALID_ARGUMENT', { argument: '--out', why });
  }
  return (await findEncoder(out))!;
}

const costOf = (choice: string): Promise<TriedEncoder> =>
  tryEncoderSafely(choice, { timeoutMs: TRY_MS }, async ({ tried }) => tried);
