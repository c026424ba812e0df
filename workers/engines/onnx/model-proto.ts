import protobuf from 'protobufjs/light.js';

/** The part of onnx.proto that our graphs use. Field numbers are the format; names are ours to read. */
const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 },
      },
    },
    OperatorSet: {
      fields: {
        domain: { type: 'string', id: 1 },
        version: { type: 'int64', id: 2 },
      },
    },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfo', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfo', id: 12 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 },
        domain: { type: 'string', id: 7 },
      },
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        type: { type: 'int32', id: 20 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    ValueInfo: {
      fields: {
        name: { type: 'string', id: 1 },
        type: { type: 'Type', id: 2 },
      },
    },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: {
      fields: {
        elemType: { type: 'int32', id: 1 },
        shape: { type: 'Shape', id: 2 },
      },
    },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 1 } } },
    Dimension: {
      fields: {
        dimValue: { type: 'int64', id: 1 },
        dimParam: { type: 'string', id: 2 },
      },
    },
  },
});
const Model = root.lookupType('Model');

export const elementType = { float32: 1, int64: 7 } as const;
const attributeType = { int: 2, string: 3, ints: 7 } as const;

export type NodeMessage = {
  name: string;
  opType: string;
  /** Empty: the operators of ONNX itself. */
  domain: string;
  input: string[];
  output: string[];
  attribute: object[];
};
export type TensorMessage = { dims: readonly number[]; dataType: number; name: string; rawData: Uint8Array };
export type ValueInfoMessage = { name: string; type: object };
export type GraphMessage = {
  name: string;
  node: NodeMessage[];
  initializer: TensorMessage[];
  input: ValueInfoMessage[];
  output: ValueInfoMessage[];
};

export type Attribute = number | string | readonly number[];
export function attribute(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, i: value, type: attributeType.int };
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: attributeType.string };
  return { name, ints: value, type: attributeType.ints };
}

/** @param dims a name stands for a length that is known at run time only. */
export const floatValue = (name: string, dims: readonly (number | string)[]): ValueInfoMessage => ({
  name,
  type: {
    tensorType: {
      elemType: elementType.float32,
      shape: { dim: dims.map(dimension) },
    },
  },
});
const dimension = (dim: number | string) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim });

/** @returns a serialised ONNX model. */
export function encodeModel(graph: GraphMessage, opset: number): Uint8Array {
  const others = new Set(graph.node.map((node) => node.domain).filter((domain) => domain !== ''));
  const opsetImport = [{ domain: '', version: opset }, ...[...others].map((domain) => ({ domain, version: 1 }))];
  return Model.encode({ irVersion: irVersion(opset), producerName: 'simili', graph, opsetImport }).finish();
}

/** Version of the format in the ONNX release that brought the operator set. */
function irVersion(opset: number): number {
  if (opset < 15) return 7;
  if (opset < 19) return 8;
  return opset < 21 ? 9 : 10;
}
