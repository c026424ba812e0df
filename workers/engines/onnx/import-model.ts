import { bodiesOf, bodyOf, type Field, fieldsOf, numberOf, textOf } from './import-wire.ts';

/** A value that goes into an ONNX file or comes out of it. */
export type Port = {
  readonly name: string;
  /** Element type by onnx.proto's TensorProto.DataType: 1 is float32, 2 uint8; 0 when it is no tensor. */
  readonly elementType: number;
  /** A text or null is a length that the file leaves open. */
  readonly dims: readonly (number | string | null)[];
};

/** Facts about somebody's ONNX file before it is run. */
export type ForeignModel = {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** Without those that the file itself gives a value to. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether weights lie in files of their own. */
  readonly hasExternalData: boolean;
};

/** Field numbers of onnx.proto. */
export const model = { irVersion: 1, producer: 2, graph: 7, opsetImport: 8, metadata: 14, functions: 25 } as const;
export const graph = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  annotation: 14,
  sparseInitializer: 15,
} as const;
export const node = { input: 1, output: 2, name: 3, attribute: 5 } as const;
export const attribute = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 } as const;
const functionNode = 7;
export const tensor = { name: 8, dataLocation: 14 } as const;
export const sparseTensor = { values: 1, indices: 2 } as const;
export const annotation = { tensorName: 1, parameters: 2 } as const;
/** First field of ValueInfoProto, OperatorSetIdProto and StringStringEntryProto. */
export const first = 1;
export const second = 2;

/** @throws Error with a sentence when the bytes are no ONNX file. */
export function readModel(bytes: Uint8Array): ForeignModel {
  try {
    return read(fieldsOf(bytes));
  } catch (cause) {
    throw new Error('it is no ONNX file', { cause });
  }
}

function read(fields: readonly Field[]): ForeignModel {
  // Two would be merged by who runs the file, and one of them passed over here.
  if (bodiesOf(fields, model.graph).length !== 1) throw new Error('There is not one graph');
  const inside = fieldsOf(bodyOf(fields, model.graph));
  const initializers = bodiesOf(inside, graph.initializer).map(fieldsOf);
  const given = new Set(initializers.map((weight) => textOf(weight, tensor.name)));
  return {
    opset: operatorSets(fields).get('') ?? 1,
    inputs: bodiesOf(inside, graph.input)
      .map(portOf)
      .filter(({ name }) => !given.has(name)),
    outputs: bodiesOf(inside, graph.output).map(portOf),
    metadata: Object.fromEntries(
      bodiesOf(fields, model.metadata)
        .map(fieldsOf)
        .map((entry) => [textOf(entry, first), textOf(entry, second)]),
    ),
    hasExternalData: tensorsOf(fields).some((each) => numberOf(each, tensor.dataLocation) === 1),
  };
}

/** Every tensor of the file: weights, constants within nodes, and those of graphs and functions in it. */
const tensorsOf = (fields: readonly Field[]): (readonly Field[])[] => [
  ...bodiesOf(fields, model.graph).flatMap(inGraph),
  ...bodiesOf(fields, model.functions).flatMap((body) => bodiesOf(fieldsOf(body), functionNode).flatMap(inNode)),
];

function inGraph(body: Uint8Array): (readonly Field[])[] {
  const fields = fieldsOf(body);
  return [
    ...bodiesOf(fields, graph.initializer).map(fieldsOf),
    ...bodiesOf(fields, graph.sparseInitializer).flatMap(inSparse),
    ...bodiesOf(fields, graph.node).flatMap(inNode),
  ];
}

const inNode = (body: Uint8Array): (readonly Field[])[] =>
  bodiesOf(fieldsOf(body), node.attribute)
    .map(fieldsOf)
    .flatMap((fields) => [
      ...[attribute.tensor, attribute.tensors].flatMap((id) => bodiesOf(fields, id).map(fieldsOf)),
      ...[attribute.sparse, attribute.sparses].flatMap((id) => bodiesOf(fields, id).flatMap(inSparse)),
      ...[attribute.graph, attribute.graphs].flatMap((id) => bodiesOf(fields, id).flatMap(inGraph)),
    ]);

const inSparse = (body: Uint8Array): (readonly Field[])[] =>
  [sparseTensor.values, sparseTensor.indices].flatMap((id) => bodiesOf(fieldsOf(body), id).map(fieldsOf));

/** Domain -> version; ONNX's own domain has two names, of which '' is used here. */
export const operatorSets = (fields: readonly Field[]): Map<string, number> =>
  new Map(
    bodiesOf(fields, model.opsetImport)
      .map(fieldsOf)
      .map((set) => [textOf(set, first).replace(/^ai\.onnx$/, ''), numberOf(set, second) ?? 1]),
  );

/** ValueInfoProto: name, type { tensorType { elementType, shape { dim { value | name } } } }. */
function portOf(info: Uint8Array): Port {
  const fields = fieldsOf(info);
  const tensorType = fieldsOf(bodyOf(fieldsOf(bodyOf(fields, second)), 1));
  const dims = bodiesOf(fieldsOf(bodyOf(tensorType, 2)), 1)
    .map(fieldsOf)
    .map((dim) => numberOf(dim, 1) ?? (textOf(dim, 2) || null));
  return { name: textOf(fields, first), elementType: numberOf(tensorType, 1) ?? 0, dims };
}
