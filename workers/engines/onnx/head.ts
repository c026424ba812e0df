import type { Loss } from '@simili/learning/losses/loss';
import { PROXIES } from '@simili/learning/network/shapes';
import type { Tensor, Weights } from '@simili/learning/network/spec';
import type { InferenceSession } from 'onnxruntime-common';
import type { LossGradients } from '../engine.ts';
import { Graph, type Value } from './graph.ts';
import { l2Norm } from './layers/l2-norm.ts';
import { lossGraphs, lossInputs } from './losses/index.ts';
import { proxyInputs, withProxies } from './losses/proxies.ts';
import { cpuDevice, loadRuntime } from './runtime.ts';

/**
 * A ranking head: the served vector of a few blocks (learning/models/served-model.ts), each turned and stretched by a linear map of
 * its own,
 *
 *   y = unit of all sqrt(weight) unit((E + offset) z) side by side,
 *
 * z what a block gives now and E the first rows of the unit matrix. So the head begins as the blocks that are there, and
 * how far it went from them is the length of its offsets.
 */
export type HeadSpec = {
  readonly blocks: readonly HeadBlock[];
  /** N: rows of every batch. */
  readonly rows: number;
  readonly loss: Loss['kind'];
  /** Categories beside the loss; null: none are learned from. */
  readonly proxies: HeadProxies | null;
};
export type HeadBlock = {
  /** m: of z. */
  readonly length: number;
  /** D <= m. */
  readonly dimensions: number;
  /** Share of the squared distance, > 0. */
  readonly weight: number;
};
export type HeadProxies = { readonly classes: number; readonly weight: number; readonly temperature: number };

/** Names of what is trained. Decay is for kernels (learning/optimiser/optimiser.ts): it pulls the offset, that is to the start. */
export const headWeights = { offset: (block: number) => `offset${block}.kernel`, proxies: PROXIES } as const;
export const dimensionsOf = ({ blocks }: Pick<HeadSpec, 'blocks'>): number =>
  total(blocks.map((block) => block.dimensions));

export type HeadBatch = {
  /** [N, sum of m]: z of all blocks, side by side. */
  readonly features: Float32Array;
  readonly loss: Loss;
  /** [N] category of each row, -1: none. Read where there are proxies. */
  readonly labels: Int32Array;
};

/** Computes losses and gradients of a head; a pure function of weights and batch, like an `Engine`. */
export type HeadEngine = {
  /** As `Engine.device`. */
  readonly device: string;
  gradients(batch: HeadBatch, weights: Weights): Promise<LossGradients>;
  dispose(): Promise<void>;
};

/**
 * In ONNX Runtime on the CPU, whatever engine trains networks: a step takes some 10 ms, and where there is an encoder there
 * is this runtime.
 * @throws SimiliError ENGINE_UNAVAILABLE
 */
export async function openHeadEngine(spec: HeadSpec, threads: number): Promise<HeadEngine> {
  const runtime = await loadRuntime();
  const device = await cpuDevice(runtime, threads);
  const session = await device.open(headModel(spec), false);
  const { blocks, rows, proxies } = spec;
  const width = total(blocks.map(({ length }) => length));
  const inputs = ({ features, loss, labels }: HeadBatch, weights: Weights): Record<string, Tensor> => ({
    ...weights,
    features: { shape: [rows, width], data: features },
    ...lossInputs(loss, rows, dimensionsOf(spec)),
    ...(proxies && proxyInputs({ ...proxies, labels }, rows, proxies.classes)),
  });
  return {
    device: device.title,
    async gradients(batch, weights) {
      const feeds = Object.entries(inputs(batch, weights)).map(([name, { shape, data }]) => [
        name,
        new runtime.Tensor(data, shape),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      const gradientOf = ([name, { shape }]: [string, Tensor]) =>
        [name, { shape, data: valuesOf(results, `gradient of ${name}`) }] as const;
      return {
        loss: valuesOf(results, 'loss')[0]!,
        activeShare: valuesOf(results, 'activeShare')[0]!,
        gradients: Object.fromEntries(Object.entries(weights).map(gradientOf)),
        statistics: {},
      };
    },
    dispose: () => session.release(),
  };
}

function headModel(spec: HeadSpec): Uint8Array {
  const { rows, loss, proxies } = spec;
  const dimensions = dimensionsOf(spec);
  const graph = new Graph();
  const blocks = blockParts(graph, spec);
  const parts = blocks.map(({ output }) => output);
  const unit = l2Norm(graph, graph.concat(parts, 1));
  const ranking = lossGraphs[loss](graph, unit.output, rows, dimensions);
  const classes = proxies?.classes ?? 0;
  const beside = proxies && { rows: unit.output, batch: rows, classes, proxies: proxyRows(graph, classes, dimensions) };
  const cost = beside ? withProxies(graph, ranking, beside) : { ...ranking, proxyGradient: null };
  const gradient = unit.backward(cost.gradient);
  graph.output('loss', cost.loss, []);
  graph.output('activeShare', cost.activeShare, []);
  for (const [b, { shape, gradientBy }] of blocks.entries())
    graph.output(`gradient of ${headWeights.offset(b)}`, gradientBy(gradient), shape);
  if (cost.proxyGradient) graph.output(`gradient of ${headWeights.proxies}`, cost.proxyGradient, [classes, dimensions]);
  return graph.bytes('head training');
}

const proxyRows = (graph: Graph, classes: number, dimensions: number): Value =>
  graph.input(headWeights.proxies, [classes, dimensions]);

/** Each block's part of the embedding, and the gradient by its offset given that by the whole embedding. */
function blockParts(graph: Graph, { blocks, rows }: HeadSpec) {
  const width = total(blocks.map(({ length }) => length));
  const features = graph.input('features', [rows, width]);
  let [read, written] = [0, 0];
  return blocks.map(({ length, dimensions, weight }, b) => {
    const [from, to] = [read, written];
    read += length;
    written += dimensions;
    const shape = [dimensions, length];
    const z = graph.slice(features, 1, from, from + length);
    const start = graph.constant({ shape, data: unitRows(dimensions, length) });
    const map = graph.add(start, graph.input(headWeights.offset(b), shape));
    const unit = l2Norm(graph, graph.op('Gemm', [z, map], { transB: 1 }));
    const root = graph.scalar(Math.sqrt(weight));
    return {
      shape,
      output: graph.multiply(unit.output, root),
      gradientBy: (gradient: Value): Value => {
        const own = graph.multiply(graph.slice(gradient, 1, to, to + dimensions), root);
        return graph.op('Gemm', [unit.backward(own), z], { transA: 1 });
      },
    };
  });
}

/** The first rows of the unit matrix: [rows, columns]. */
export function unitRows(rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) out[i * columns + i] = 1;
  return out;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function valuesOf(results: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const values = results[name]?.data;
  if (!(values instanceof Float32Array)) throw new Error(`The graph gave no ${name}`);
  return values;
}
