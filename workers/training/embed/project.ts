import { servedLength } from '@simili/learning/models/artefact';
import type { ServedModel } from '@simili/learning/models/served-model';
import { fuse } from '@simili/learning/whitening/whitening';
import { SimiliError } from 'simili/internal/errors';
import { openProjection, type Projection } from '../../engines/onnx/projection.ts';

/** By ONNX Runtime; where it does not load, picture by picture: some 20 times as slow. */
export const projectionOf = (model: ServedModel, threads: number): Promise<Projection> =>
  openProjection(model, threads).catch((error: unknown) => {
    if (!(error instanceof SimiliError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
    return plainProjection(model);
  });

export function plainProjection(model: ServedModel): Projection {
  const { blocks, hidden } = model;
  return {
    async project(features, n) {
      const length = servedLength(model);
      const out = new Float32Array(n * length);
      for (let i = 0; i < n; i++) {
        const rows = blocks.map(({ feature, mean: { length: d } }) => features[feature]!.subarray(i * d, (i + 1) * d));
        out.set(fuse(blocks, rows, hidden), i * length);
      }
      return out;
    },
    close: async () => {},
  };
}
