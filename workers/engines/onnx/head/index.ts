import type { Loss } from '@simili/learning/losses/loss';
import type { Tensor, Weights } from '@simili/learning/network/spec';
import type { InferenceSession } from 'onnxruntime-common';
import type { LossGradients } from '../../engine.ts';
import { lossInputs } from '../losses/index.ts';
import { proxyInputs } from '../losses/proxies.ts';
import { cpuDevice, loadRuntime } from '../runtime.ts';
import { headModel } from './graph.ts';
import { dimensionsOf, type HeadSpec } from './spec.ts';

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
  const width = blocks.reduce((sum, { length }) => sum + length, 0);
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

function valuesOf(results: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const values = results[name]?.data;
  if (!(values instanceof Float32Array)) throw new Error(`The graph gave no ${name}`);
  return values;
}
