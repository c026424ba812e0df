import { SimiliError } from 'simili/internal/errors';
import type { BackboneFile } from '../../backbone.ts';
import { type Graph, opsets, type Value } from '../graph.ts';
import type { Part } from '../import-join.ts';
import { builtPart, naming } from './part.ts';

/** ink [n, S, S, 3] -> the backbone's own input -> its graph as it stands -> its output as features [n, length]. */
export function backboneParts(bytes: Uint8Array, file: BackboneFile, ports: { ink: string; features: string }): Part[] {
  const { backbone, inputSize, input, output, opset } = file;
  const [normal, map] = ['backbone input', 'backbone output'];
  return [
    builtPart('normalise', [ports.ink, normal], opset, (graph) => {
      const rgb = graph.subtract(graph.scalar(1), graph.input(ports.ink, ['n', inputSize, inputSize, 3]));
      const channels = (data: readonly number[]) => graph.constant({ shape: [3], data: Float32Array.from(data) });
      const scaled = graph.divide(graph.subtract(rgb, channels(backbone.mean)), channels(backbone.deviation));
      const laid = backbone.layout === 'NCHW' ? graph.transpose(scaled, [0, 3, 1, 2]) : scaled;
      graph.output(normal, laid, ['n', 3, inputSize, inputSize]);
    }),
    { model: bytes, rename: naming('backbone', { [input.name]: normal, [output.name]: map }) },
    builtPart('features', [map, ports.features], opset, (graph) => {
      graph.output(ports.features, pooled(graph, graph.input(map, ['n']), file), ['n', backbone.length]);
    }),
  ];
}

/** Mean over the pixels of a map. */
function pooled(graph: Graph, value: Value, { output, backbone: { layout, length } }: BackboneFile): Value {
  if (output.dims.length === 2) return value;
  return graph.reshape(graph.mean(value, layout === 'NCHW' ? [2, 3] : [1, 2], 0), [-1, length]);
}

/** @throws SimiliError IMPORT_UNREADABLE when the file is of an operator set that our own parts are not written in. */
export function checkOperators({ opset }: { readonly opset: number }, source: string): void {
  const { oldest, newest } = opsets;
  if (opset >= oldest && opset <= newest) return;
  const why = `it is written in ONNX operator set ${opset}; for an export in one file convert it to ${oldest} to ${newest}`;
  throw new SimiliError('IMPORT_UNREADABLE', { source, why });
}
