import type { Shape } from '@simili/learning/network/shapes';
import type { Graph, Value } from '../graph.ts';
import { CHANNELS_LAST, type FeatureMap } from './feature-map.ts';
import { inBoth, minimalFilter, transposed } from './minimal-filter.ts';
import { type Products, pixelAt, withZeros } from './product-rows.ts';
import type { Site } from './stage.ts';

/**
 * A 3x3 convolution of stride 1 with a pixel of zeros around, even sides, by Winograd's minimal filtering (Lavin and Gray
 * 2016): a tile of 4x4 outputs is computed from the 6x6 pixels under it with 36 products a channel instead of 144 (of 2x2
 * from 4x4 with 16 instead of 36),
 *
 *   Y = A^T [(G g G^T) * (B^T d B)] A,
 *
 * the products over channels being as many matrix products. The maps are small constant matrices, and so are their
 * gradients: the same ones, transposed. Rounding stays that of float32 (the test has it beside plain loops).
 */
export function winograd({ graph, training }: Site, kernel: Value, input: FeatureMap, filters: number): Products {
  const [height, width, channels] = input.shape;
  const tile = height % 4 === 0 && width % 4 === 0 ? 4 : 2;
  const size: Shape = [training?.batch ?? 1, height, width];
  const tiles = (size[0] * height * width) / tile ** 2;
  const factors = (tile + 2) ** 2;
  const maps = mapsOf(graph, tile);
  const about = `winograd ${tile} ${size}`;
  const reads = graph.table(about, () => tilesOf(tile, size));
  const patches = maps.forward('input', graph.gather(withZeros(graph, input), reads), [factors, tiles, channels]);
  const kernels = maps.forward('kernel', kernel, [factors, channels, filters]);
  const product = graph.op('MatMul', [patches, kernels]);
  const output = maps.forward('output', product, [tile ** 2 * tiles, filters]);
  const quarter = (tile ** 2 * tiles) / 4;
  return {
    output,
    parts: upTo(4).map((i) => graph.slice(output, 0, i * quarter, (i + 1) * quarter)),
    tile,
    backward: (gradients) => {
      const byProduct = maps.back('output', graph.concat(gradients, 0), [factors, tiles, filters]);
      const byKernels = fused(graph, patches, byProduct, { transA: 1 });
      const byPatches = fused(graph, byProduct, kernels, { transB: 1 });
      const byPixels = maps.back('input', byPatches, [factors * tiles, channels]);
      const rows = graph.concat([byPixels, graph.zeros([1, channels])], 0);
      const sum = upTo(4)
        .map((i) =>
          graph.gather(
            rows,
            graph.table(`${about} back ${i}`, () => readersOf(i, tile, size)),
          ),
        )
        .reduce((before, part) => graph.add(before, part));
      const value = graph.reshape(sum, [-1, height, width, channels]);
      return {
        input: { value, shape: input.shape, block: CHANNELS_LAST },
        kernel: maps.back('kernel', byKernels, [3, 3, channels, filters]),
      };
    },
  };
}

/** The constant maps, each on the columns of a value that has as many rows as it reads. */
function mapsOf(graph: Graph, tile: 2 | 4) {
  const { input, kernel, output } = minimalFilter(tile);
  const places = inBoth(output);
  const matrices = {
    input: inBoth(input),
    kernel: inBoth(kernel),
    output: placesInOrder(tile).map(([y, x]) => places[y * tile + x] as number[]),
  };
  const map = (name: string, matrix: number[][], value: Value, shape: readonly number[]): Value => {
    const columns = graph.reshape(value, [(matrix[0] as number[]).length, -1]);
    return graph.reshape(graph.op('MatMul', [graph.matrix(`winograd ${tile} ${name}`, matrix), columns]), shape);
  };
  return {
    forward: (name: keyof typeof matrices, value: Value, shape: readonly number[]) =>
      map(name, matrices[name], value, shape),
    back: (name: keyof typeof matrices, value: Value, shape: readonly number[]) =>
      map(`${name} back`, transposed(matrices[name]), value, shape),
  };
}

/** A runtime's own operator: ONNX's MatMul transposes nothing. */
const fused = (graph: Graph, a: Value, b: Value, which: Record<string, number>): Value =>
  graph.op('FusedMatMul', [a, b], which, 'com.microsoft');

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The outputs of a tile as `Products` has them: by place in a 2x2 window, then by window. */
const placesInOrder = (tile: number): [number, number][] =>
  [0, 1].flatMap((down) =>
    [0, 1].flatMap((right) =>
      upTo(tile / 2).flatMap((y) => upTo(tile / 2).map((x): [number, number] => [2 * y + down, 2 * x + right])),
    ),
  );

/** [factors, tiles]: the pixel at each place under each tile, which begins a pixel before its outputs. */
function tilesOf(tile: number, size: Shape): number[] {
  const [batch, height, width] = size;
  const under = upTo(tile + 2);
  const starts = upTo(batch).flatMap((picture) =>
    upTo(height / tile).flatMap((y) => upTo(width / tile).map((x) => [picture, y * tile - 1, x * tile - 1] as const)),
  );
  return under.flatMap((down) =>
    under.flatMap((right) => starts.map(([picture, y, x]) => pixelAt(size, picture, y + down, x + right))),
  );
}

/** Place of each pixel under the i-th of the up to four tiles that read it, or the zeros behind all places. */
function readersOf(i: number, tile: number, size: Shape): number[] {
  const [batch, height, width] = size;
  const readers: number[][] = Array.from({ length: batch * height * width }, () => []);
  const reads = tilesOf(tile, size);
  reads.forEach((pixel, place) => {
    readers[pixel]?.push(place);
  });
  return readers.map((places) => places[i] ?? reads.length);
}
