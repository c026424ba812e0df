import { stat } from 'node:fs/promises';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { Picture } from '@simili/learning/picture';
import { SimiliError } from 'simili/internal/errors';
import type { TriedBackbone } from '../engines/try-backbone.ts';
import { isOverMemory, isTimeout } from '../hosts/options.ts';
import { type Host, openHost } from '../hosts/rpc.ts';
import { encoderFile } from './find.ts';
import type { ModelHostApi } from './model-host.ts';
import type { TriedEncoder } from './try-encoder.ts';

/** Longest file, bytes: protocol buffers end there. */
const MAX_BYTES = 2 ** 31 - 1;
/** MiB for a network without weights, and how often those lie in memory: file, parsed, copied, laid out for the processor. */
const BASE_MB = 1024;
const COPIES = 4;

export type TryLimits = {
  /** Time of each call, from when the child is up. */
  timeoutMs: number;
  /** MiB; default: as much as an honest file of this length needs. */
  maxMemoryMb?: number;
};

/**
 * `tryBackbone` of a file in a process of its own.
 * @throws SimiliError IMPORT_UNREADABLE, MODEL_TOO_COSTLY
 */
export const tryBackboneSafely = (path: string, base: NetworkSpec, limits: TryLimits): Promise<TriedBackbone> =>
  inOwnProcess(path, limits, (host, timeoutMs) => host.call('tryBackbone', { path, base }, { timeoutMs }));

/** Findings, and the encoder at work: each call has the time of the first one. */
export type AtWork = { tried: TriedEncoder; encode(pictures: readonly Picture[]): Promise<Float32Array> };

/**
 * `tryEncoder` in a process of its own, which stays for what `use` asks of the encoder.
 * @throws SimiliError IMPORT_UNREADABLE, MODEL_TOO_COSTLY; ENGINE_UNAVAILABLE
 */
export async function tryEncoderSafely<Result>(
  choice: string,
  limits: TryLimits,
  use: (atWork: AtWork) => Promise<Result>,
  dataDir?: string,
): Promise<Result> {
  return inOwnProcess(await encoderFile(choice, dataDir), limits, async (host, timeoutMs) => {
    const tried = await host.call('tryEncoder', { choice, ...(dataDir !== undefined && { dataDir }) }, { timeoutMs });
    return use({ tried, encode: (pictures) => host.call('encode', { pictures }, { timeoutMs }) });
  });
}

/**
 * Lets a process work on a file; it is ended when it takes too long or too much memory. It has no environment: what is in it
 * is no stranger's business.
 */
async function inOwnProcess<Result>(
  path: string,
  limits: TryLimits,
  work: (host: Pick<Host<ModelHostApi>, 'call'>, timeoutMs: number) => Promise<Result>,
): Promise<Result> {
  const bytes = await sizeOf(path);
  const { timeoutMs, maxMemoryMb = BASE_MB + Math.ceil((COPIES * bytes) / 2 ** 20) } = limits;
  const source = import.meta.url.endsWith('.ts') ? './model-host.ts' : './model-host.js';
  const host = openHost<ModelHostApi>(new URL(source, import.meta.url), {
    label: 'the process of this network',
    nice: 0,
    maxMemoryMb,
    env: {},
  });
  try {
    return await work(host, timeoutMs);
  } catch (error) {
    throw told(error, path, { timeoutMs, maxMemoryMb });
  } finally {
    await host.kill();
  }
}

function told(error: unknown, source: string, { timeoutMs, maxMemoryMb }: Required<TryLimits>): unknown {
  if (isTimeout(error))
    return new SimiliError('MODEL_TOO_COSTLY', { source, why: `trying it took more than ${timeoutMs / 1000} s` });
  if (isOverMemory(error))
    return new SimiliError('MODEL_TOO_COSTLY', { source, why: `trying it took more than ${maxMemoryMb} MB of memory` });
  if (error instanceof SimiliError && error.code === 'ENGINE_CRASHED')
    return new SimiliError('IMPORT_UNREADABLE', { source, why: `trying it broke ONNX Runtime (${error.message})` });
  return error;
}

/** @throws SimiliError IMPORT_UNREADABLE, MODEL_TOO_COSTLY */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: Error) => {
    throw new SimiliError('IMPORT_UNREADABLE', { source: path, why: error.message });
  });
  if (!found.isFile()) throw new SimiliError('IMPORT_UNREADABLE', { source: path, why: 'it is not a file' });
  if (found.size > MAX_BYTES)
    throw new SimiliError('MODEL_TOO_COSTLY', {
      source: path,
      why: `it has ${found.size} bytes, at most ${MAX_BYTES}`,
    });
  return found.size;
}
