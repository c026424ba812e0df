import { servedLength } from '../../../../src/learning/artefact.ts';
import { backbonePathOf, pictureSizeFor } from '../../../../src/learning/network/shapes.ts';
import { PICTURE_SIZE, type ServedModel } from '../../../../src/learning/served-model.ts';
import { type BackboneFile, inspectBackbone } from '../../backbone.ts';
import { opsets } from '../graph.ts';
import { joinModels, type Part } from '../import-join.ts';
import type { Port } from '../import-model.ts';
import { elementType } from '../model-proto.ts';
import { embeddingModel, port } from '../models.ts';
import { backboneParts, checkOperators } from './backbone.ts';
import { builtPart, naming } from './part.ts';
import { ink } from './picture.ts';
import { servedVector } from './served.ts';

/** Names of the exported file's inputs and outputs, which docs/models.md describes, and of what its parts share. */
const pictures = 'pictures';
const pictures64 = 'pictures64';
const embeddings = 'embeddings';
const vector = 'vector';
const shared = { ink: 'ink', features: 'features' };

/** Of onnx.proto's TensorProto.DataType. */
const uint8 = 2;

/**
 * One ONNX file for a whole model version: uint8 pictures -> `embeddings` of its network, if it has one, and the served
 * `vector`. A backbone is part of it, and decides the operator set and, where it does so, the number of pictures in a call.
 * @throws SimiliError IMPORT_UNREADABLE when the backbone's operator set is out of our range.
 */
export function exportOnnx(model: ServedModel): Uint8Array {
  const { blocks, network } = model;
  const side = network ? pictureSizeFor(network.spec.inputSize) : PICTURE_SIZE;
  const small = side === PICTURE_SIZE ? pictures : pictures64;
  const file = backboneOf(model);
  const opset = file?.opset ?? opsets.usual;
  const served = builtPart('served', [small, embeddings, vector], opset, (graph) => {
    const inputs = {
      pictures: graph.input(small, ['n', PICTURE_SIZE, PICTURE_SIZE, 3]),
      embeddings: graph.input(embeddings, ['n', network?.spec.embedding ?? 0]),
    };
    graph.output(vector, servedVector(graph, blocks, inputs), ['n', servedLength(model)]);
  });
  const n = file?.batch ?? 'n';
  const bytes = (name: string, size: number): Port => ({ name, elementType: uint8, dims: [n, size, size, 3] });
  const rows = (name: string, length: number): Port => ({ name, elementType: elementType.float32, dims: [n, length] });
  const needsSmall = small !== pictures && blocks.some(({ feature }) => feature !== 'network');
  return joinModels('simili', [...(network ? networkParts(network, file, side, opset) : []), served], {
    inputs: [bytes(pictures, side), ...(needsSmall ? [bytes(pictures64, PICTURE_SIZE)] : [])],
    outputs: [...(network ? [rows(embeddings, network.spec.embedding)] : []), rows(vector, servedLength(model))],
  });
}

/** The mean and deviation are those of the spec. */
function backboneOf({ network }: ServedModel): BackboneFile | null {
  const path = network && backbonePathOf(network.spec);
  if (!path || !network.backbone) return null;
  return { ...checkOperators(inspectBackbone(network.backbone)), backbone: path.backbone };
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
