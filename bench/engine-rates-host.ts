import { presetNamed } from '../learning/network/presets.ts';
import { engineChoices } from '../src/training-names.ts';
import { type EngineId, engines } from '../workers/engines/engines.ts';
import { serveHost } from '../workers/hosts/serve.ts';
import { openJob, ROWS } from './training-job.ts';
import { openStepTrainer, stepExample } from './whole-step.ts';

export type RatesAsked = {
  engine: EngineId;
  preset: string;
  /** N: pictures of a training batch. */
  rows: number;
  threads: number;
  /** How long to train, and half of it to embed: at least. */
  seconds: number;
  /** Whether a whole job is measured too; its batches have `ROWS` pictures. */
  job: boolean;
};
export type EngineRates = {
  device: string;
  /** Milliseconds until the first step was done: graphs, kernels and shaders are made in it. */
  firstMs: number;
  /** The loss after one step: the same for all that compute the same. */
  loss: number;
  /** Median of a step as a job takes it, milliseconds, and of the engine's part of it. */
  stepMs: number;
  engineMs: number;
  /** Pictures a second. */
  embedPerSecond: number;
  /** Pictures a second of a whole job, which reads and changes its pictures; null: not asked, or the engine has no name there. */
  jobPerSecond: number | null;
};

const FEWEST = 3;
/** Pictures of one call: several forward passes. */
const EMBEDDED = 256;

async function rates(asked: RatesAsked): Promise<EngineRates> {
  const { engine, preset, rows, threads, seconds } = asked;
  const example = stepExample(presetNamed(preset), rows);
  const since = performance.now();
  const trainer = await openStepTrainer(await engines[engine].load(), example, threads);
  await trainer.step();
  const firstMs = performance.now() - since;
  const { loss } = await trainer.step();
  const engineMs: number[] = [];
  const stepMs = await timed(seconds, async () => void engineMs.push((await trainer.step()).engineMs));
  const some = example.pictures.length / rows;
  const pictures = new Float32Array(EMBEDDED * some);
  for (let i = 0; i < EMBEDDED; i++)
    pictures.set(example.pictures.subarray((i % rows) * some, ((i % rows) + 1) * some), i * some);
  await trainer.embed(pictures, EMBEDDED);
  const embedMs = await timed(seconds / 2, () => trainer.embed(pictures, EMBEDDED));
  await trainer.close();
  const { device } = trainer;
  const embedPerSecond = (1000 * EMBEDDED) / embedMs;
  const jobPerSecond = asked.job ? await jobRate(asked) : null;
  return { device, firstMs, loss, stepMs, engineMs: median(engineMs), embedPerSecond, jobPerSecond };
}

async function jobRate({ engine, preset, threads, seconds }: RatesAsked): Promise<number | null> {
  const choice = engineChoices.find((name) => name === engine);
  if (!choice) return null;
  const job = await openJob(presetNamed(preset), 1, { engine: choice, threads });
  await job.run(3);
  const since = performance.now();
  let steps = 0;
  for (; performance.now() - since < 1000 * seconds || steps < FEWEST; steps += 10) await job.run(10);
  const rate = (1000 * steps * ROWS) / (performance.now() - since);
  await job.close();
  return rate;
}

/** @returns the median, in milliseconds */
async function timed(seconds: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let spent = 0; spent < 1000 * seconds || all.length < FEWEST; spent += all.at(-1)!) {
    const since = performance.now();
    await work();
    all.push(performance.now() - since);
  }
  return median(all);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const methods = { rates };
export type EngineRatesApi = typeof methods;

/** The child process in which an engine is measured: what its driver breaks is this process and nothing else. */
serveHost(methods);
