import { pictureSizeFor } from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { opsets } from '../graph.ts';
import { joinModels } from '../import-join.ts';
import { elementType } from '../model-proto.ts';
import { embeddingModel, port } from '../models.ts';
import { builtPart, naming } from './part.ts';
import { ink } from './picture.ts';

/** Ports of the exported file: float32 [n, side, side, 3] of 0 to 255 in, [n, dimensions] out. */
export const studentPorts = { input: 'pictures', output: 'vector' } as const;
const INK = 'ink';

/** A network as an encoder: it reads the pictures that everything else reads, and averages them to its own size itself. */
export function studentModel(spec: NetworkSpec, weights: Weights): Uint8Array {
  const { input, output } = studentPorts;
  const size = spec.inputSize;
  const side = pictureSizeFor(size);
  const floats = (name: string, ...lengths: number[]) => ({
    name,
    elementType: elementType.float32,
    dims: ['n', ...lengths],
  });
  return joinModels(
    'simili student',
    [
      builtPart('ink', [input, INK], opsets.usual, (graph) => {
        const pictures = graph.input(input, ['n', side, side, 3]);
        graph.output(INK, ink(graph, pictures, side, size), ['n', size, size, 3]);
      }),
      {
        model: embeddingModel(spec, weights),
        rename: naming('network', { [port.pictures]: INK, [port.embeddings]: output }),
      },
    ],
    { inputs: [floats(input, side, side, 3)], outputs: [floats(output, spec.embedding)] },
  );
}
