import { makeRandom } from '../../learning/numbers/random.ts';
import { Graph } from '../../workers/engines/onnx/graph.ts';
import { joinModels } from '../../workers/engines/onnx/import-join.ts';
import type { Port } from '../../workers/engines/onnx/import-model.ts';
import { delimited, edited, joined, varint } from '../../workers/engines/onnx/import-wire.ts';

export type Made = {
  side: number;
  channels: number;
  layout: 'NCHW' | 'NHWC';
  /** A map of (side - 2)² pixels, or their mean. */
  ends: 'map' | 'vector';
  batch: number | string;
  opset: number;
  metadata: Record<string, string>;
};
const usual: Made = {
  side: 8,
  channels: 5,
  layout: 'NCHW',
  ends: 'vector',
  batch: 'batch',
  opset: 17,
  metadata: {},
};

/** A 3x3 convolution without padding and a rectifier, as somebody's pretrained network: random weights, its own names. */
export function makeBackbone(options: Partial<Made> = {}) {
  const made = { ...usual, ...options };
  const { side, channels, layout, ends, batch, opset } = made;
  const random = makeRandom(7);
  const kernel = Float32Array.from({ length: channels * 27 }, () => random.gaussian() / 3);
  const bias = Float32Array.from({ length: channels }, () => random.gaussian());
  const last = side - 2;
  const dims = layout === 'NCHW' ? [3, side, side] : [side, side, 3];
  const map = layout === 'NCHW' ? [channels, last, last] : [last, last, channels];
  const graph = new Graph(opset);
  const input = graph.input('pictures', [batch, ...dims]);
  const first = layout === 'NCHW' ? input : graph.transpose(input, [0, 3, 1, 2]);
  const weights = [
    graph.constant({ shape: [channels, 3, 3, 3], data: kernel }),
    graph.constant({ shape: [channels], data: bias }),
  ];
  const active = graph.op('Relu', [graph.op('Conv', [first, ...weights])]);
  const laid = layout === 'NCHW' ? active : graph.transpose(active, [0, 2, 3, 1]);
  const outputs = ends === 'map' ? [batch, ...map] : [batch, channels];
  graph.output('vector', ends === 'map' ? laid : graph.mean(active, [2, 3], 0), outputs);
  const entries = Object.entries(made.metadata).map(([key, value]) =>
    delimited(14, joined([delimited(1, key), delimited(2, value)])),
  );
  return { ...made, kernel, bias, bytes: new Uint8Array(joined([graph.bytes('somebody'), ...entries])) };
}

/** Its features by plain loops: pictures of ink, [n, side, side, 3]. */
export function featuresExactly(
  { side, channels, kernel, bias }: ReturnType<typeof makeBackbone>,
  ink: Float32Array,
  mean: readonly number[] = [0.485, 0.456, 0.406],
  deviation: readonly number[] = [0.229, 0.224, 0.225],
): number[] {
  const last = side - 2;
  const rows: number[] = [];
  for (let n = 0; n < ink.length / side ** 2 / 3; n++) {
    for (let k = 0; k < channels; k++) {
      let total = 0;
      for (let y = 0; y < last; y++) {
        for (let x = 0; x < last; x++) {
          let value = bias[k]!;
          for (let c = 0; c < 3; c++) {
            for (let i = 0; i < 9; i++) {
              const at = ((n * side + y + Math.floor(i / 3)) * side + x + (i % 3)) * 3 + c;
              value += (kernel[(k * 3 + c) * 9 + i]! * (1 - ink[at]! - mean[c]!)) / deviation[c]!;
            }
          }
          total += Math.max(0, value);
        }
      }
      rows.push(total / last ** 2);
    }
  }
  return rows;
}

/** The same file with other inputs and outputs declared than it has. */
export const redeclared = (
  bytes: Uint8Array,
  ports: { inputs: readonly Port[]; outputs: readonly Port[] },
): Uint8Array => joinModels('somebody', [{ model: bytes, rename: (name) => name }], ports);

/** Reads 8 x 8 pixels and gives their mean colour, after what `between` does to it. */
function meanColour(between: (graph: Graph, mean: string) => string): Uint8Array {
  const graph = new Graph();
  const mean = graph.mean(graph.input('pictures', ['n', 3, 8, 8]), [2, 3], 0);
  graph.output('vector', between(graph, mean), ['n', 3]);
  return new Uint8Array(graph.bytes('hostile'));
}

/** Makes 3.2 GB of zeros from a file of a few hundred bytes. */
export const hungryBackbone = (): Uint8Array =>
  meanColour((graph, mean) =>
    graph.add(mean, graph.max(graph.op('ConstantOfShape', [graph.ints([800, 1_000_000])]), [0, 1], 0)),
  );

/** Gives square roots of negative numbers. */
export const nanBackbone = (): Uint8Array =>
  meanColour((graph, mean) => graph.op('Sqrt', [graph.subtract(graph.scalar(-1), graph.multiply(mean, mean))]));

/** Repeats a body that says "once more" every time. */
export function endlessBackbone(): Uint8Array {
  const info = (name: string, type: number) =>
    joined([delimited(1, name), delimited(2, delimited(1, joined([varint(1, type), delimited(2, '')])))]);
  const copy = (from: string, to: string) => joined([delimited(1, from), delimited(2, to), delimited(4, 'Identity')]);
  const [float, int, truth] = [1, 7, 9];
  const body = joined([
    ...[copy('more', 'more out'), copy('value', 'value out')].map((node) => delimited(1, node)),
    delimited(2, 'body'),
    ...[info('turn', int), info('more', truth), info('value', float)].map((input) => delimited(11, input)),
    ...[info('more out', truth), info('value out', float)].map((output) => delimited(12, output)),
  ]);
  const attribute = joined([delimited(1, 'body'), delimited(6, body), varint(20, 5)]);
  const bytes = meanColour((graph, mean) => graph.op('Loop', ['', '', mean]));
  const isLoop = (node: Uint8Array) => Buffer.from(node).includes('Loop');
  const withBody = (node: Uint8Array) => (isLoop(node) ? joined([node, delimited(5, attribute)]) : node);
  return new Uint8Array(edited(bytes, { 7: (graph) => edited(graph, { 1: withBody }) }));
}
