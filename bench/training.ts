import { availableParallelism } from 'node:os';
import { openOnnxEngine } from '../workers/engines/onnx/index.ts';
import { jobBesideStep, twoBesideOne } from './training-job.ts';
import { openPeakMeter } from './training-peak.ts';
import { referenceNetwork } from './training-reference.ts';
import { stepRow, type TrainingRow, trainingRow } from './training-step.ts';

const sizes = [32, 64];
const threadCounts = [...new Set([1, availableParallelism()])];

/** Measurements, one after the other; each gives its rows of the table. */
const measurements: readonly (() => Promise<TrainingRow[]>)[] = [onnxSteps, wholeJob, twoProcesses];

/** How fast the reference network trains on each engine, beside the machine's own peak in the same run. It takes ten minutes: what is measured is told on stderr. */
export async function training(): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for (const measure of measurements) {
    const found = await measure();
    for (const row of found) process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(...found);
  }
  return rows;
}

async function onnxSteps(): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for (const size of sizes) {
    for (const threads of threadCounts) rows.push(await stepRow({ open: openOnnxEngine, size, threads, rounds: 15 }));
  }
  return rows;
}

/** The bare step of one process beside the whole job around it. */
async function wholeJob(): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for (const size of sizes) {
    const { bare, job } = await jobBesideStep(referenceNetwork(size));
    rows.push(
      ...(await jobRows(size, [
        ['bare step', 1, bare],
        [`whole job, ${share(job / bare)} of it`, 1, job],
      ])),
    );
  }
  return rows;
}

/** One process beside two that exchange their gradients at every step. */
async function twoProcesses(): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for (const size of sizes) {
    const { one, two } = await twoBesideOne(referenceNetwork(size));
    rows.push(
      ...(await jobRows(size, [
        ['whole job', 1, one],
        [`whole job, ${(two / one).toFixed(2)} x one`, 2, two],
      ])),
    );
  }
  return rows;
}

const share = (part: number): string => `${(100 * part).toFixed(1)} %`;

async function jobRows(size: number, rates: readonly [string, number, number][]): Promise<TrainingRow[]> {
  const meter = await openPeakMeter();
  const peak = Math.max(...[await meter.burst(), await meter.burst(), await meter.burst()]);
  await meter.close();
  return rates.map(([what, processes, imagesPerSecond]) =>
    trainingRow({ engine: `onnx (${what})`, device: 'cpu', processes, threads: 1, size, imagesPerSecond }, peak),
  );
}
