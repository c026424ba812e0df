import { presetNamed } from '../../learning/network/presets.ts';
import type { NetworkSpec } from '../../learning/network/spec.ts';
import { openOnnxEngine } from '../../workers/engines/onnx/index.ts';
import { temporaryDir } from '../running.ts';
import { openJob } from '../training-job.ts';
import { openStepTrainer, type StepExample, stepExample } from '../whole-step.ts';
import { apart, openPeer, type Peer } from './process.ts';

const NETS = ['tiny', 'small'];
/**
 * How far both may be apart after the first step, of the length of all weights and of the step. A single rectifier whose
 * value is 0 but for rounding moves some 0.003 of a step; another momentum or decay moves far more.
 */
const SAME = { weights: 1e-4, step: 0.02 };

type Row = Record<string, string | number>;
type Contestant = {
  engine: string;
  processes: number;
  threads: number;
  /** @returns seconds of CPU, all threads together; null: other processes work too. */
  steps(count: number): Promise<number | null>;
  close(): Promise<void>;
};

/**
 * The training step beside PyTorch's on the same network: from a batch in memory to new weights, by the recipe `catalog`
 * (InfoNCE, clipped Nesterov, decay of kernels). First one step of each, from the same weights, must end at the same weights.
 * Then all take turns, so that they see the same machine; medians of the rounds. A row is compared with PyTorch at as many
 * cores. Two processes train as a job does, pictures and all, each on a batch of its own.
 * @param options.peer Python with torch
 */
export async function trainingPeer({ peer, rounds }: { peer: string; rounds: number }): Promise<Row[]> {
  const dir = await temporaryDir();
  try {
    const python = await openPeer(peer, dir.path);
    const rows: Row[] = [];
    for (const net of NETS) rows.push(...(await rowsOf(python, presetNamed(net), rounds)));
    await python.close();
    return rows;
  } finally {
    await dir.remove();
  }
}

async function rowsOf(peer: Peer, spec: NetworkSpec, rounds: number): Promise<Row[]> {
  const example = stepExample(spec);
  await checkSame(peer, example);
  const contestants = [
    await pyTorch(peer, example, 1),
    await simili(example, 1),
    await pyTorch(peer, example, 2),
    await simili(example, 2),
    await similiJob(example),
  ];
  const measured = contestants.map(() => ({ ms: [] as number[], cpuMs: [] as number[] }));
  const count = spec.inputSize > 32 ? 2 : 4;
  for (const { steps } of contestants) await steps(2);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { steps }] of contestants.entries()) {
      const since = performance.now();
      const cpu = await steps(count);
      measured[i]!.ms.push((performance.now() - since) / count);
      if (cpu !== null) measured[i]!.cpuMs.push((1000 * cpu) / count);
    }
  }
  for (const { close } of contestants) await close();
  const rates = contestants.map(({ processes }, i) => (1000 * processes * example.rows) / median(measured[i]!.ms));
  return contestants.map(({ engine, processes, threads }, i) => ({
    net: spec.name,
    engine,
    processes,
    threads,
    stepMs: Number(median(measured[i]!.ms).toFixed(1)),
    cpuMs: measured[i]!.cpuMs.length > 0 ? Number(median(measured[i]!.cpuMs).toFixed(1)) : '',
    picturesPerSecond: Math.round(rates[i]!),
    ofPyTorch: (rates[i]! / rates[processes * threads === 1 ? 0 : 2]!).toFixed(2),
  }));
}

/** @throws Error where one step of both ends at different weights. */
async function checkSame(peer: Peer, example: StepExample): Promise<void> {
  const ours = await openStepTrainer(openOnnxEngine, example, 1);
  const { loss } = await ours.step();
  await ours.close();
  await peer.open('same', example, { threads: 1, channelsLast: true });
  const theirs = await peer.step('same', 1);
  const distance = apart(example.weights, ours.weights, await peer.weights('same'));
  const by = `${distance.weights.toExponential(1)} of their length, ${distance.step.toExponential(1)} of the step`;
  const losses = `loss ${loss.toFixed(6)} here, ${theirs.loss.toFixed(6)} in PyTorch`;
  const what = `${example.spec.name}: ${losses}; after a step the weights are ${by} apart`;
  process.stderr.write(`${what}\n`);
  const isSame = distance.weights < SAME.weights && distance.step < SAME.step;
  if (!isSame || Math.abs(theirs.loss / loss - 1) > SAME.weights) throw new Error('That is not the same network');
}

async function simili(example: StepExample, threads: number): Promise<Contestant> {
  const trainer = await openStepTrainer(openOnnxEngine, example, threads);
  return {
    engine: 'simili',
    processes: 1,
    threads,
    close: trainer.close,
    async steps(count) {
      const before = process.cpuUsage();
      for (let i = 0; i < count; i++) await trainer.step();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    },
  };
}

async function similiJob({ spec }: StepExample): Promise<Contestant> {
  const job = await openJob(spec, 2);
  return {
    engine: 'simili (whole job)',
    processes: 2,
    threads: 1,
    close: job.close,
    async steps(count) {
      await job.run(count);
      return null;
    },
  };
}

/** Channels last, oneDNN and the fused optimiser are the fastest of what PyTorch offers without a compiler. */
async function pyTorch(peer: Peer, example: StepExample, threads: number): Promise<Contestant> {
  const id = `${example.spec.name} ${threads}`;
  await peer.open(id, example, { threads, channelsLast: true });
  return {
    engine: 'PyTorch',
    processes: 1,
    threads,
    steps: async (count) => (await peer.step(id, count)).cpuMs / 1000,
    close: async () => {},
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
