import { presetNamed } from '../learning/network/presets.ts';
import { type EngineId, engineIds } from '../workers/engines/engines.ts';
import { openHost } from '../workers/hosts/rpc.ts';
import type { EngineRates, EngineRatesApi } from './engine-rates-host.ts';
import { openPeer, type Peer, type PeerOptions } from './peer/process.ts';
import { temporaryDir } from './running.ts';
import { flopsPerStep } from './training-reference.ts';
import { stepExample } from './whole-step.ts';

export type OnEngines = {
  engines: readonly string[];
  presets: readonly string[];
  rows: number;
  threads: number;
  seconds: number;
  /** Whether whole jobs are measured too. */
  job: boolean;
  /** Python with torch; empty: none. */
  peer: string;
  /** PyTorch's names of what the peer runs on. */
  devices: readonly string[];
};
type Row = Record<string, string | number>;

/** An engine that compiles, or a large network on a small machine, takes minutes. */
const PATIENCE_MS = 300_000;

/**
 * Measures each engine with each preset, beside PyTorch on the same machine: the step of a training by the recipe
 * `catalog`, from a batch in memory to new weights, and embedding. Every engine in a process of its own; one that does not
 * work has its reason in its row. Rows are told as they come, for a machine may be taken away.
 */
export async function trainingOnEngines(asked: OnEngines): Promise<Row[]> {
  const rows: Row[] = [];
  const add = (row: Row) => {
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  };
  for (const preset of asked.presets) {
    for (const engine of asked.engines) add(await engineRow(asked, preset, knownEngine(engine)));
    if (asked.peer) for (const row of await peerRows(asked, preset)) add(row);
  }
  return rows;
}

function knownEngine(name: string): EngineId {
  const found = engineIds.find((id) => id === name);
  if (!found) throw new Error(`There is no engine "${name}": choose of ${engineIds.join(', ')}`);
  return found;
}

async function engineRow({ rows, threads, seconds, job }: OnEngines, preset: string, engine: EngineId): Promise<Row> {
  const host = openHost<EngineRatesApi>(new URL('./engine-rates-host.ts', import.meta.url), {
    label: engine,
    nice: 0,
  });
  try {
    const rates = await host.call('rates', { engine, preset, rows, threads, seconds, job }, { timeoutMs: PATIENCE_MS });
    return rateRow({ preset, engine, rows }, rates);
  } catch (error) {
    return { net: preset, engine, rows, device: (error as Error).message };
  } finally {
    await host.close();
  }
}

type About = { preset: string; engine: string; rows: number };

function rateRow({ preset, engine, rows }: About, { device, ...rates }: EngineRates): Row {
  const { firstMs, loss, stepMs, engineMs, embedPerSecond, jobPerSecond } = rates;
  return {
    net: preset,
    engine,
    rows,
    device,
    firstMs: Math.round(firstMs),
    loss: Number(loss.toPrecision(7)),
    engineMs: Number(engineMs.toPrecision(4)),
    stepMs: Number(stepMs.toPrecision(4)),
    trainPerSecond: Math.round((1000 * rows) / stepMs),
    gflops: Math.round((rows * flopsPerStep(presetNamed(preset))) / stepMs / 1e6),
    embedPerSecond: Math.round(embedPerSecond),
    jobPerSecond: jobPerSecond === null ? '' : Math.round(jobPerSecond),
  };
}

/** Each in a Python of its own, so that none keeps memory of the card that another needs. */
async function peerRows(asked: OnEngines, preset: string): Promise<Row[]> {
  const { threads } = asked;
  const ways = asked.devices.flatMap((device): PeerOptions[] =>
    device === 'cuda'
      ? [false, true].map((tf32) => ({ threads, channelsLast: tf32, device, tf32 }))
      : [{ threads, channelsLast: true }],
  );
  const rows: Row[] = [];
  for (const way of ways) {
    const engine = `PyTorch${way.tf32 ? ', TF32' : ''}`;
    const found = await inPython(asked.peer, (peer) => peerRates(peer, asked, preset, way)).catch(
      (error: Error) => error.message,
    );
    rows.push(
      typeof found === 'string'
        ? { net: preset, engine, rows: asked.rows, device: found }
        : rateRow({ preset, engine, rows: asked.rows }, found),
    );
  }
  return rows;
}

async function inPython<T>(python: string, use: (peer: Peer) => Promise<T>): Promise<T> {
  const dir = await temporaryDir();
  const peer = await openPeer(python, dir.path);
  try {
    return await use(peer);
  } finally {
    await peer.close();
    await dir.remove();
  }
}

async function peerRates(peer: Peer, asked: OnEngines, preset: string, way: PeerOptions): Promise<EngineRates> {
  const since = performance.now();
  const { device } = await peer.open('it', stepExample(presetNamed(preset), asked.rows), way);
  await peer.step('it', 1);
  const firstMs = performance.now() - since;
  const { loss, ms } = await peer.step('it', 1);
  const count = (seconds: number, each: number) => Math.max(3, Math.min(1000, Math.round((1000 * seconds) / each)));
  const probed = (await peer.step('it', 3)).ms / 3;
  const steps = count(asked.seconds, Math.min(ms, probed));
  const stepMs = (await peer.step('it', steps)).ms / steps;
  await peer.embed('it', 1);
  const embedPerSecond = await peer.embed('it', count(asked.seconds / 2, stepMs / 2));
  return {
    device: `${device} (${way.threads} threads)`,
    firstMs,
    loss,
    stepMs,
    engineMs: stepMs,
    embedPerSecond,
    jobPerSecond: null,
  };
}
