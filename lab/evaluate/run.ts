import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { meanOf } from '@simili/learning/metrics/intervals';
import type { Questions } from '@simili/learning/metrics/judge';
import { presetNames } from '@simili/learning/network/presets';
import { findEncoder } from '@simili/worker/encoders/find';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import { openEngineHost } from '@simili/worker/training/engine-client';
import type { Config } from 'simili/internal/config';
import { SimiliError } from 'simili/internal/errors';
import { compareMethods, trainingsOf } from '../compare/compare-methods.ts';
import { encodeSet } from '../compare/encode-set.ts';
import { methodNames, methodsNamed } from '../methods/index.ts';
import type { Method } from '../methods/method.ts';
import { openTrainer, type Planned } from '../methods/trainer.ts';
import type { Progress, ShowProgress } from '../progress.ts';
import type { LabelledPictures } from '../questions/labelled.ts';
import { questionsOf } from '../questions/questions.ts';
import { type Collected, collect } from './collect.ts';
import { toHtml } from './html.ts';
import { toMarkdown } from './markdown.ts';
import { told } from './problem.ts';
import { makeReport, type Report } from './report.ts';
import { sideBySide } from './side-by-side.ts';

export type EvaluateOptions = {
  readonly images: string;
  readonly labels: string;
  readonly triplets: string | null;
  /** [] for all but the sweep. */
  readonly methods: readonly string[];
  readonly preset: string;
  readonly seeds: number;
  /** Time of all trainings together. */
  readonly minutes: number;
  /** Steps of each training, in place of minutes: what makes two evaluations the same. */
  readonly steps: number | null;
  readonly k: number;
  /** Seed of splits and questions. */
  readonly seed: number;
  readonly out: string;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** As it was typed. */
  readonly command: string;
  readonly showProgress: ShowProgress;
  /** Takes a line for whoever waits. */
  readonly say: (line: string) => void;
};

/** Queries whose lists are shown. */
const SHOWN = 12;
const FEWEST_SECONDS = 1;

/** Fits, asks, compares, and writes report.md, report.json and report.html into `out`. */
export async function evaluate(options: EvaluateOptions): Promise<Report> {
  const started = performance.now();
  check(options);
  const { config, seed, k, out, signal, preset, seeds, command } = options;
  await mkdir(out, { recursive: true });
  const encoder = await findEncoder(config.SIMILI_ENCODER, config.SIMILI_DATA_DIR);
  const { data: collected, rows, rated, problems } = await collectWithProgress(options, encoder);
  const questions = questionsOf(collected, { k, seed, rated });
  checkAnything(questions, options);
  await using seen = await withEncoded(collected, encoder, options);
  const { data } = seen;
  const methods = methodsNamed(options.methods);
  const planned = trainingsOf(methods, seeds);
  const computing = sideBySide(config, preset, planned.length);
  const seconds = Math.max(FEWEST_SECONDS, (60 * options.minutes * computing.hosts) / Math.max(1, planned.length));
  const length = options.steps === null ? `${seconds.toFixed(0)} s` : `${options.steps} steps`;
  const label = `${planned.length} networks, ${length} each, ${computing.hosts} at once: percent`;
  const tell = teller(planned, label, options);
  const trainer = await openTrainer({
    ...computing,
    set: data.set,
    ratings: data.rated,
    preset,
    seconds,
    steps: options.steps,
    signal,
    onEvent: tell.event,
  });
  try {
    const shown = spread([...questions.queries], SHOWN);
    const compared = await compareMethods({
      data,
      questions,
      methods,
      trainer,
      seeds,
      shown,
      signal,
      onMethod: tell.method,
    });
    const report = makeReport({
      ...compared,
      questions,
      rows,
      problems,
      command,
      ratedBy: rated.length > 0 ? 'people' : 'labels',
      trainings: trainer.log(),
      minutes: (performance.now() - started) / 60_000,
    });
    const html = await toHtml({ report, results: compared.results, data, rows, shown });
    await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(join(out, 'report.md'), `${toMarkdown(report)}\n`);
    await writeFile(join(out, 'report.html'), html);
    return report;
  } finally {
    tell.stop();
    await trainer.close();
  }
}

/** @throws SimiliError CONFIGURATION_INVALID before anything is read. */
function check({ methods, preset, seeds, minutes, steps, k, seed }: EvaluateOptions): void {
  const refuse = (why: string) => new SimiliError('CONFIGURATION_INVALID', { why });
  const unknown = methods.find((name) => !methodNames.includes(name));
  if (unknown !== undefined) throw refuse(`there is no method ${unknown}: choose from ${methodNames.join(', ')}`);
  const multi = presetNames.filter((name) => !name.endsWith('SingleScale'));
  if (!(multi as string[]).includes(preset)) throw refuse(`preset is ${preset}: choose one of ${multi.join(', ')}`);
  if (!(Number.isInteger(seeds) && seeds >= 1 && seeds <= 100)) throw refuse('seeds is a number from 1 to 100');
  if (!(minutes > 0)) throw refuse('budget is a number of minutes above 0');
  if (steps !== null && !(Number.isInteger(steps) && steps >= 1)) throw refuse('steps is a whole number above 0');
  if (!(Number.isInteger(k) && k >= 1)) throw refuse('k is a whole number above 0');
  if (!Number.isSafeInteger(seed)) throw refuse('seed is a whole number');
}

/** @throws SimiliError IMPORT_UNREADABLE before anything is trained for a report without a number. */
function checkAnything({ triplets }: Questions, { labels }: EvaluateOptions): void {
  if (triplets.length > 0) return;
  const why =
    'nothing can be asked: of no held-out picture is another one more alike than a third, by identity, subgroup or category, ' +
    'and no usable answers of people are given (--triplets)';
  throw new SimiliError('IMPORT_UNREADABLE', { source: labels, why });
}

function collectWithProgress(options: EvaluateOptions, encoder: InstalledEncoder | null): Promise<Collected> {
  let bar: Progress | null = null;
  return collect({
    ...options,
    encoderSides: encoder ? [encoder.description.input.side] : [],
    onProblems(problems) {
      bar?.stop();
      for (const problem of problems) options.say(`  ${told(problem)}`);
    },
    onProgress(done, total) {
      bar ??= options.showProgress('pictures', total);
      bar.update(done);
    },
  });
}

/** The set with what the encoder sees in its pictures, in a file that goes with it. */
async function withEncoded(
  data: LabelledPictures,
  encoder: InstalledEncoder | null,
  { config, signal, say }: EvaluateOptions,
): Promise<AsyncDisposable & { data: LabelledPictures }> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-encoded-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  if (!encoder) return { data, [Symbol.asyncDispose]: remove };
  say(`${encoder.facts.title} looks at ${data.splits.length} pictures`);
  const host = openEngineHost('the encoder', config);
  try {
    const path = join(dir, 'encoded.f16');
    const encoded = await encodeSet(data.set, encoder, path, (request) => host.encode(request, signal));
    return { data: { ...data, set: { ...data.set, encoded } }, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    await host.close();
  }
}

/** Says how far the trainings are, and then which method is at work. */
function teller(planned: readonly Planned[], label: string, { showProgress, say }: EvaluateOptions) {
  const bar = showProgress(label, 100);
  const done = new Map<string, number>();
  return {
    stop: () => bar.stop(),
    method({ title, seeded }: Method, seed: number): void {
      bar.stop();
      say(`${title}${seeded ? `, seed ${seed}` : ''}`);
    },
    event(training: Planned, event: { type: string; done?: number }): void {
      if (event.type !== 'progress' || event.done === undefined) return;
      done.set(JSON.stringify(training), event.done);
      bar.update(Math.round(100 * meanOf([...done.values(), ...new Array(planned.length - done.size).fill(0)])));
    },
  };
}

/** `count` values from all over a list. */
const spread = <T>(values: readonly T[], count: number): T[] =>
  Array.from(
    { length: Math.min(count, values.length) },
    (_, i) => values[Math.floor((i * values.length) / Math.min(count, values.length))]!,
  );
