import { servedLength } from '@simili/learning/models/artefact';
import type { FeatureName, ServedModel } from '@simili/learning/models/served-model';
import { servedVector } from './export/served.ts';
import { Graph } from './graph.ts';
import { cpuDevice, loadRuntime } from './runtime.ts';

/** float32 [n, d] by the feature of each block. */
export type FeatureRows = Readonly<Record<FeatureName, Float32Array>>;

/** The blocks of a version as one graph: features -> served vectors, what `fuse` of learning/whitening/whitening.ts does one by one. */
export type Projection = {
  /** @returns [n, length]. @throws Error where the features of a block are missing or of another length. */
  project(features: FeatureRows, n: number): Promise<Float32Array>;
  close(): Promise<void>;
};

const vector = 'vector';

/** @throws SimiliError ENGINE_UNAVAILABLE: ONNX Runtime does not load. */
export async function openProjection(model: ServedModel, threads: number): Promise<Projection> {
  const runtime = await loadRuntime();
  const device = await cpuDevice(runtime, threads);
  const session = await device.open(projectionGraph(model), true);
  const lengths = new Map(model.blocks.map(({ feature, mean }) => [feature, mean.length]));
  return {
    async project(features, n) {
      if (n === 0) return new Float32Array(0);
      const inputs = [...lengths].map(([feature, d]) => {
        const rows = features[feature];
        if (rows?.length !== n * d) throw new Error(`${rows?.length ?? 'no'} values of ${feature} for ${n} pictures`);
        return [feature, new runtime.Tensor(rows, [n, d])] as const;
      });
      const found = (await session.run(Object.fromEntries(inputs), [vector]))[vector];
      return found?.data as Float32Array;
    },
    close: () => session.release(),
  };
}

function projectionGraph(model: ServedModel): Uint8Array {
  const graph = new Graph();
  const lengths = new Map(model.blocks.map(({ feature, mean }) => [feature, mean.length]));
  for (const [feature, d] of lengths) graph.input(feature, ['n', d]);
  const served = servedVector(graph, model, ({ feature }) => feature);
  graph.output(vector, served, ['n', servedLength(model)]);
  return graph.bytes('projection');
}
