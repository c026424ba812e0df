import type { OpenEngine } from '../workers/engines/engine.ts';
import { openPeakMeter } from './training-peak.ts';
import { BATCH, flopsPerStep, referenceExample, referenceNetwork } from './training-reference.ts';

/** One way to train, as the table shows it. */
export type TrainingRow = {
  engine: string;
  device: string;
  processes: number;
  threads: number;
  /** Pixels of a side. */
  size: number;
  batch: number;
  imagesPerSecond: number;
  gflops: number;
  /** Peak of as many cores as are used: what one core multiplies matrices with, times these. */
  peakGflops: number;
  peakFraction: number;
};

export type Measured = { open: OpenEngine; size: number; threads: number; rounds: number };

/**
 * The bare step, with all its copies: weights into the engine, gradients out. Steps and bursts of matrix products take
 * turns, so that both see the same machine; of both the best round counts, as others may be at work on it.
 */
export async function stepRow({ open, size, threads, rounds }: Measured): Promise<TrainingRow> {
  const { spec, weights, batch, loss } = referenceExample(size);
  const engine = await open(spec, weights, { batch: BATCH, threads });
  const meter = await openPeakMeter();
  const step = async () => {
    await engine.setWeights(weights);
    await engine.gradients(batch, loss);
  };
  await step();
  const [seconds, peaks]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    peaks.push(await meter.burst());
    const started = performance.now();
    await step();
    seconds.push((performance.now() - started) / 1000);
  }
  await meter.close();
  await engine.dispose();
  const imagesPerSecond = BATCH / Math.min(...seconds);
  const { name, device } = engine;
  return trainingRow({ engine: name, device, processes: 1, threads, size, imagesPerSecond }, Math.max(...peaks));
}

export type Rate = Pick<TrainingRow, 'engine' | 'device' | 'processes' | 'threads' | 'size' | 'imagesPerSecond'>;

/** @param peak GFLOP/s of one core, measured in the same run. */
export function trainingRow(rate: Rate, peak: number): TrainingRow {
  const gflops = (rate.imagesPerSecond * flopsPerStep(referenceNetwork(rate.size))) / 1e9;
  const peakGflops = peak * rate.processes * rate.threads;
  return {
    engine: rate.engine,
    device: rate.device,
    processes: rate.processes,
    threads: rate.threads,
    size: rate.size,
    batch: BATCH,
    imagesPerSecond: rounded(rate.imagesPerSecond, 1),
    gflops: rounded(gflops, 1),
    peakGflops: rounded(peakGflops, 1),
    peakFraction: rounded(gflops / peakGflops, 3),
  };
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
