import { SimiliError } from 'simili/internal/errors';
import type { InstalledEncoder } from '../encoder-description.ts';
import type { Part } from '../import-join.ts';
import { readModel } from '../import-model.ts';
import { checkOperators } from './backbone.ts';
import { builtPart, naming } from './part.ts';
import { toFloat } from './picture.ts';

/** An encoder with its ONNX file. */
export type EncoderFile = Pick<InstalledEncoder, 'facts' | 'description'> & { readonly bytes: Uint8Array };
export type ReadEncoder = EncoderFile & { readonly opset: number; readonly side: number };

/** @throws SimiliError IMPORT_UNREADABLE: of an operator set that our own parts are not written in, or no ONNX file. */
export function readEncoder(encoder: EncoderFile): ReadEncoder {
  const { pooling } = encoder.description.output;
  const why = `for an export in one file its output must be pooled already, not by ${pooling}`;
  if (pooling !== 'none') throw new SimiliError('IMPORT_UNREADABLE', { source: encoder.facts.id, why });
  const { opset } = readModel(encoder.bytes);
  checkOperators({ opset }, encoder.facts.id);
  return { ...encoder, opset, side: encoder.description.input.side };
}

export function notTheEncoder(wanted: string | undefined, found: EncoderFile | null): SimiliError {
  const why = wanted ? `it needs the encoder ${wanted}, not ${found?.facts.id ?? 'none'}` : 'it uses no encoder';
  return new SimiliError('IMPORT_UNREADABLE', { source: 'the version', why });
}

/** uint8 [n, side, side, 3] -> the encoder's own input -> its graph as it stands -> features [n, dimensions]. */
export function encoderParts(
  { bytes, description: { input, output }, opset, side }: ReadEncoder,
  ports: { pictures: string; features: string },
): Part[] {
  const normal = 'encoder input';
  return [
    builtPart('look', [ports.pictures, normal], opset, (graph) => {
      const rgb = toFloat(graph, graph.input(ports.pictures, ['n', side, side, 3]));
      const channels = (data: readonly number[]) =>
        graph.constant({ shape: [3], data: Float32Array.from(input.channels === 'RGB' ? data : [...data].reverse()) });
      const scaled = graph.divide(graph.subtract(rgb, channels(input.mean)), channels(input.deviation));
      const ordered =
        input.channels === 'RGB' ? scaled : graph.op('Gather', [scaled, graph.ints([2, 1, 0])], { axis: 3 });
      const laid = input.layout === 'NCHW' ? graph.transpose(ordered, [0, 3, 1, 2]) : ordered;
      graph.output(normal, laid, input.layout === 'NCHW' ? ['n', 3, side, side] : ['n', side, side, 3]);
    }),
    { model: bytes, rename: naming('encoder', { [input.name]: normal, [output.name]: ports.features }) },
  ];
}
