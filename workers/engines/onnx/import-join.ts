import {
  annotation,
  attribute,
  first,
  graph,
  model,
  node,
  operatorSets,
  type Port,
  second,
  sparseTensor,
  tensor,
} from './import-model.ts';
import {
  bodiesOf,
  bodyOf,
  delimited,
  type Edits,
  edited,
  editedText,
  fieldsOf,
  joined,
  numberOf,
  varint,
} from './import-wire.ts';

/** A model and the names that its values get beside the others: where two parts use the same one, they are connected. */
export type Part = { readonly model: Uint8Array; readonly rename: (name: string) => string };
type Rename = Part['rename'];

/**
 * Several ONNX models as one. The nodes of a part may read what parts before it make.
 * @throws Error when the parts were written in different operator sets of one domain.
 */
export function joinModels(
  name: string,
  parts: readonly Part[],
  ports: { readonly inputs: readonly Port[]; readonly outputs: readonly Port[] },
): Uint8Array {
  const models = parts.map((part) => fieldsOf(part.model));
  const graphs = parts.map(({ rename }, i) => fieldsOf(edited(bodyOf(models[i] ?? [], model.graph), inGraph(rename))));
  const kept = [graph.node, graph.initializer, graph.sparseInitializer, graph.valueInfo, graph.annotation];
  const inside = joined([
    ...kept.flatMap((id) =>
      graphs.flatMap((fields) => fields.filter((field) => field.id === id).map(({ raw }) => raw)),
    ),
    delimited(graph.name, name),
    ...ports.inputs.map((port) => delimited(graph.input, valueInfo(port))),
    ...ports.outputs.map((port) => delimited(graph.output, valueInfo(port))),
  ]);
  // From version 4 on a weight need not be among the inputs.
  const irVersion = Math.max(4, ...models.map((fields) => numberOf(fields, model.irVersion) ?? 0));
  return joined([
    varint(model.irVersion, irVersion),
    delimited(model.producer, 'simili'),
    ...[...commonSets(models.map(operatorSets))].map(([domain, version]) =>
      delimited(model.opsetImport, joined([delimited(first, domain), varint(second, version)])),
    ),
    ...models.flatMap((fields) => bodiesOf(fields, model.functions).map((body) => delimited(model.functions, body))),
    delimited(model.graph, inside),
  ]);
}

function commonSets(all: readonly Map<string, number>[]): Map<string, number> {
  const common = new Map<string, number>();
  for (const [domain, version] of all.flatMap((sets) => [...sets])) {
    const other = common.get(domain) ?? version;
    if (other !== version) throw new Error(`Operator sets ${other} and ${version} of "${domain}" cannot be joined`);
    common.set(domain, version);
  }
  return common;
}

/** Every place of a graph, and of the graphs within its nodes, that names a value. An empty name is an input left out. */
function inGraph(rename: Rename): Edits {
  const text = editedText((name) => (name === '' ? '' : rename(name)));
  const within = (edits: Edits) => (body: Uint8Array) => edited(body, edits);
  const deeper = (body: Uint8Array) => edited(body, inGraph(rename));
  const info = within({ [first]: text });
  return {
    [graph.node]: within({
      [node.input]: text,
      [node.output]: text,
      [node.name]: text,
      [node.attribute]: within({ [attribute.graph]: deeper, [attribute.graphs]: deeper }),
    }),
    [graph.initializer]: within({ [tensor.name]: text }),
    [graph.sparseInitializer]: within({ [sparseTensor.values]: within({ [tensor.name]: text }) }),
    [graph.input]: info,
    [graph.output]: info,
    [graph.valueInfo]: info,
    [graph.annotation]: within({ [annotation.tensorName]: text, [annotation.parameters]: within({ [second]: text }) }),
  };
}

function valueInfo({ name, elementType, dims }: Port): Uint8Array {
  const shape = dims.map((dim) =>
    delimited(1, typeof dim === 'number' ? varint(1, dim) : dim === null ? '' : delimited(2, dim)),
  );
  const tensorType = joined([varint(1, elementType), delimited(2, joined(shape))]);
  return joined([delimited(first, name), delimited(second, delimited(1, tensorType))]);
}
