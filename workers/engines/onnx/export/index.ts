import { isHandMade } from '@simili/learning/features/index';
import { servedLength } from '@simili/learning/models/artefact';
import { placeIn } from '@simili/learning/models/encoder-facts';
import type { Block, ServedModel } from '@simili/learning/models/served-model';
import { backbonePathOf, pictureSizeFor } from '@simili/learning/network/shapes';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { type BackboneFile, inspectBackbone } from '../../backbone.ts';
import { opsets } from '../graph.ts';
import { joinModels, type Part } from '../import-join.ts';
import type { Port } from '../import-model.ts';
import { elementType } from '../model-proto.ts';
import { embeddingModel, port } from '../models.ts';
import { backboneParts, checkOperators } from './backbone.ts';
import { type EncoderFile, encoderParts, notTheEncoder, readEncoder } from './encoder.ts';
import { featureGraphs } from './features.ts';
import { builtPart, naming } from './part.ts';
import { ink, toFloat } from './picture.ts';
import { servedVector } from './served.ts';

/** Names of the exported file's inputs and outputs, which docs/models.md describes, and of what its parts share. */
const pictures = 'pictures';
const embeddings = 'embeddings';
const vector = 'vector';
const shared = { ink: 'ink', features: 'features', encoded: 'encoded' };

/** A value of onnx.proto's TensorProto.DataType. */
const uint8 = 2;

/**
 * One ONNX file for a whole model version: uint8 pictures -> `embeddings` of its network, if it has one, and the served
 * `vector`. A backbone or an encoder is part of it, and decides the operator set and, where it does so, the number of
 * pictures in a call. Pictures of the first side are called `pictures`, of others `pictures<side>`.
 * @param encoder the one that the model uses, null where it uses none.
 * @throws SimiliError IMPORT_UNREADABLE when the operator set is out of our range, or the encoder another one.
 */
export function exportOnnx(model: ServedModel, encoder: EncoderFile | null = null): Uint8Array {
  const { blocks, network } = model;
  const encoded = blocks.find((block) => block.encoder)?.encoder?.id;
  if (encoded !== encoder?.facts.id) throw notTheEncoder(encoded, encoder);
  const file = backboneOf(model);
  const eye = encoder && readEncoder(encoder);
  const opset = file?.opset ?? eye?.opset ?? opsets.usual;
  const side = network ? pictureSizeFor(network.spec.inputSize) : PICTURE_SIZE;
  const sides = [...new Set([side, PICTURE_SIZE, ...(eye ? [eye.side] : [])])];
  const picturesOf = (size: number): string => (size === side ? pictures : `${pictures}${size}`);
  const small = picturesOf(PICTURE_SIZE);
  const served = builtPart('served', [small, embeddings, shared.encoded, vector], opset, (graph) => {
    const pixels = toFloat(graph, graph.input(small, ['n', PICTURE_SIZE, PICTURE_SIZE, 3]));
    const embedded = graph.input(embeddings, ['n', network?.spec.embedding ?? 0]);
    const seen = encoder && graph.input(shared.encoded, ['n', encoder.facts.dimensions]);
    const rowsOf = ({ feature, encoder: looked }: Block) => {
      if (isHandMade(feature)) return featureGraphs[feature](graph, pixels);
      if (!seen || !looked) return embedded;
      const { start, length } = placeIn(looked, feature);
      return looked.parts ? graph.slice(seen, 1, start, start + length) : seen;
    };
    graph.output(vector, servedVector(graph, model, rowsOf), ['n', servedLength(model)]);
  });
  const n = file?.batch ?? 'n';
  const bytes = (size: number): Port => ({ name: picturesOf(size), elementType: uint8, dims: [n, size, size, 3] });
  const rows = (name: string, length: number): Port => ({ name, elementType: elementType.float32, dims: [n, length] });
  const isRead = (size: number) =>
    size === side || size === eye?.side || blocks.some(({ feature }) => isHandMade(feature));
  return joinModels(
    'simili',
    [
      ...(network ? networkParts(network, file, side, opset) : []),
      ...(eye ? encoderParts(eye, { pictures: picturesOf(eye.side), features: shared.encoded }) : []),
      served,
    ],
    {
      inputs: sides.filter(isRead).map(bytes),
      outputs: [...(network ? [rows(embeddings, network.spec.embedding)] : []), rows(vector, servedLength(model))],
    },
  );
}

/** The mean and deviation are those of the spec. */
function backboneOf({ network }: ServedModel): BackboneFile | null {
  const path = network && backbonePathOf(network.spec);
  if (!path || !network.backbone) return null;
  const file = inspectBackbone(network.backbone);
  checkOperators(file, 'the backbone');
  return { ...file, backbone: path.backbone };
}

type Network = NonNullable<ServedModel['network']>;

function networkParts(
  { spec, weights, backbone }: Network,
  file: BackboneFile | null,
  side: number,
  opset: number,
): Part[] {
  const path = backbonePathOf(spec);
  const front = file && backbone ? backboneParts(backbone, file, shared) : [];
  return [
    builtPart('ink', [pictures, shared.ink], opset, (graph) => {
      const size = spec.inputSize;
      graph.output(shared.ink, ink(graph, graph.input(pictures, ['n', side, side, 3]), side, size), [
        'n',
        size,
        size,
        3,
      ]);
    }),
    ...front,
    {
      model: embeddingModel(spec, weights, opset),
      rename: naming('network', {
        [port.pictures]: shared.ink,
        [port.embeddings]: embeddings,
        ...(path && { [port.featuresOf(path.name)]: shared.features }),
      }),
    },
  ];
}
