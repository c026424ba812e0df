import { createRequire } from 'node:module';
import type { InferenceSession } from 'onnxruntime-common';
import { SimiliError } from 'simili/internal/errors';
import { askForFullPrecision } from '../full-precision.ts';
import { findAdapter } from './adapter.ts';
import { findRuntime } from './find-runtime.ts';
import { blockedDomain, Graph } from './graph.ts';

export type Runtime = typeof import('onnxruntime-common');

/** Device of ONNX Runtime. */
export type Device = {
  /** For people: "cpu (1 thread)", "webgpu: <adapter>". */
  readonly title: string;
  readonly onGpu: boolean;
  /** Channels that its blocked convolutions take at once (layers/feature-map.ts); 1 where it has none. */
  readonly block: number;
  /** A processor: gathering rows costs it no more than reading them (layers/products.ts). */
  readonly gathers: boolean;
  readonly open: (model: Uint8Array, optimise: boolean) => Promise<InferenceSession>;
};

/**
 * The one place that loads it, for it reports to its maker what it runs (since 1.29, on Linux and macOS) unless this
 * variable is there before it starts: a shop's backend talks to nobody it was not told of.
 * @throws SimiliError ENGINE_UNAVAILABLE with the reason.
 */
export async function loadRuntime(): Promise<Runtime> {
  // biome-ignore lint/style/noProcessEnv: set, not read; the runtime looks at it when it is loaded, a line further on
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const found = findRuntime();
  if (!found) throw unavailable('neither onnxruntime-node nor @simili/onnxruntime is installed');
  try {
    return createRequire(import.meta.url)(found) as Runtime;
  } catch (error) {
    throw unavailable(`${found} does not load: ${error}`);
  }
}

const unavailable = (why: string) => new SimiliError('ENGINE_UNAVAILABLE', { engine: 'onnx', why });

/**
 * @param optimise lets the runtime fuse nodes and fold constants. A training graph gains nothing by it, for its weights
 * are inputs, and with thousands of nodes it takes ten times as long to open.
 */
const sessionOptions = (threads: number, optimise: boolean): InferenceSession.SessionOptions => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // Takes the peak once more, in one piece, and a step of training is no faster for it.
  enableMemPattern: false,
  graphOptimizationLevel: optimise ? 'all' : 'disabled',
  logSeverityLevel: 3,
});

export async function cpuDevice(runtime: Runtime, threads: number): Promise<Device> {
  const open: Device['open'] = (model, optimise) =>
    runtime.InferenceSession.create(model, sessionOptions(threads, optimise));
  const title = `cpu (${threads} ${threads === 1 ? 'thread' : 'threads'})`;
  return { title, onGpu: false, block: await blockOf(runtime, open), gathers: true, open };
}

/** @throws SimiliError ENGINE_UNAVAILABLE where CUDA or the provider's libraries are missing. */
export async function cudaDevice(runtime: Runtime, threads: number): Promise<Device> {
  askForFullPrecision();
  return { title: 'cuda', onGpu: true, block: 1, gathers: false, open: await openerFor('cuda', runtime, threads) };
}

/**
 * A device counts as a GPU only where its adapter is known to be one: the same libraries give software adapters, which are
 * slower than the CPU.
 * @throws SimiliError ENGINE_UNAVAILABLE where WebGPU finds no adapter.
 */
export async function webgpuDevice(runtime: Runtime, threads: number): Promise<Device> {
  const adapter = await findAdapter();
  if (adapter === null) throw unavailable('WebGPU finds no adapter: no Vulkan, Metal or Direct3D driver');
  const open = await openerFor('webgpu', runtime, threads);
  if (!adapter)
    return {
      title: 'webgpu: unknown adapter (npm package webgpu tells)',
      onGpu: false,
      block: 1,
      gathers: false,
      open,
    };
  return { title: `webgpu: ${adapter.title}`, onGpu: !adapter.software, block: 1, gathers: false, open };
}

/** Opens graphs on another provider than the CPU, after one product has shown that it computes. */
async function openerFor(provider: 'cuda' | 'webgpu', runtime: Runtime, threads: number): Promise<Device['open']> {
  const open: Device['open'] = (model, optimise) =>
    runtime.InferenceSession.create(model, { ...sessionOptions(threads, optimise), executionProviders: [provider] });
  const sum = await sumOfProducts(runtime, open).catch((error: unknown) => {
    throw unavailable(`the ${provider} provider does not start: ${error instanceof Error ? error.message : error}`);
  });
  if (sum !== 32) throw unavailable(`the ${provider} provider computes wrongly: 32 products of 1 are ${sum}`);
  return open;
}

async function sumOfProducts({ Tensor }: Runtime, open: Device['open']): Promise<number> {
  const dims = [32, 32];
  const graph = new Graph();
  graph.output('product', graph.op('MatMul', [graph.input('a', dims), graph.input('b', dims)]), dims);
  const session = await open(graph.bytes('product'), false);
  const ones = new Tensor(new Float32Array(32 * 32).fill(1), dims);
  const { product } = await session.run({ a: ones, b: ones });
  await session.release();
  return Number(product?.data[0]);
}

/**
 * How many channels the blocked layout of this processor holds together. It is nowhere written down, so a picture whose
 * values are counted is put into that layout: the second pixel of the first channel comes behind the whole block.
 */
async function blockOf({ Tensor }: Runtime, open: Device['open']): Promise<number> {
  const dims = [1, 64, 1, 2];
  const graph = new Graph();
  graph.output('blocked', graph.op('ReorderInput', [graph.input('plain', dims)], {}, blockedDomain), dims);
  try {
    const session = await open(graph.bytes('layout'), false);
    const plain = new Tensor(
      Float32Array.from({ length: 128 }, (_, i) => i),
      dims,
    );
    const { blocked } = await session.run({ plain });
    await session.release();
    const values = blocked?.data;
    return values instanceof Float32Array ? Math.max(1, values.indexOf(1)) : 1;
  } catch {
    return 1; // A build without them: ONNX's own convolutions do.
  }
}
