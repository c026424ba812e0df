import type { Tensor } from '@simili/learning/network/spec';
import {
  type Attribute,
  attribute,
  elementType,
  encodeModel,
  floatValue,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from './model-proto.ts';

/** Name of a value in a graph under construction. */
export type Value = string;
type Attributes = Readonly<Record<string, Attribute>>;

/** The operator sets that our graphs can be written in; 17 unless asked. */
export const opsets = { oldest: 13, newest: 22, usual: 17 } as const;

/** Runtime-internal operators on maps with their channels in blocks (layers/feature-map.ts). */
export const blockedDomain = 'com.microsoft.nchwc';

/**
 * Builds an ONNX graph of float32 values node by node; each method adds nodes and names their result. The same operation on
 * the same values is added once, and nodes that lead to no output are left out of the file: so a layer need not know what
 * others have asked for, and may offer a gradient that nobody reads.
 */
export class Graph {
  readonly #nodes: NodeMessage[] = [];
  readonly #initializers = new Map<Value, TensorMessage>();
  readonly #inputs: ValueInfoMessage[] = [];
  readonly #outputs: ValueInfoMessage[] = [];
  /** Values by operator, inputs and attributes: nothing is computed twice. */
  readonly #known = new Map<string, Value>();
  #count = 0;

  /** @throws RangeError when the graph cannot be written in this operator set. */
  constructor(private readonly opset: number = opsets.usual) {
    if (Number.isInteger(opset) && opset >= opsets.oldest && opset <= opsets.newest) return;
    throw new RangeError(`ONNX operator set ${opset} is not one of ${opsets.oldest} to ${opsets.newest}`);
  }

  /** @param dims a name stands for a length that is known at run time only. */
  input(name: string, dims: readonly (number | string)[]): Value {
    this.#inputs.push(floatValue(name, dims));
    return name;
  }
  output(name: string, value: Value, dims: readonly (number | string)[]): void {
    this.#addNode('Identity', [value], [name], {});
    this.#outputs.push(floatValue(name, dims));
  }
  op(type: string, inputs: readonly Value[], attributes: Attributes = {}, domain = ''): Value {
    const what = JSON.stringify([type, inputs, attributes, domain]);
    const known = this.#known.get(what);
    if (known !== undefined) return known;
    const output = this.#freshName();
    this.#addNode(type, inputs, [output], attributes, domain);
    this.#known.set(what, output);
    return output;
  }
  bytes(name: string): Uint8Array {
    const { nodes, values } = this.#needed();
    const initializer = [...this.#initializers.values()].filter((tensor) => values.has(tensor.name));
    const input = this.#inputs.filter((value) => values.has(value.name));
    return encodeModel({ name, node: nodes, initializer, input, output: this.#outputs }, this.opset);
  }

  constant({ shape, data }: Tensor): Value {
    return this.#initialize(this.#freshName(), shape, elementType.float32, data);
  }
  /** The same name is the same values, and is put down once. */
  matrix(name: string, rows: readonly (readonly number[])[]): Value {
    const shape = [rows.length, rows[0]?.length ?? 0];
    return this.#initialize(name, shape, elementType.float32, Float32Array.from(rows.flat()));
  }
  zeros(shape: readonly number[]): Value {
    const length = shape.reduce((product, side) => product * side, 1);
    return this.#initialize(`zeros ${shape}`, shape, elementType.float32, new Float32Array(length));
  }
  /** Places of rows for `gather`; the same name is the same places, which are then not asked for again. */
  table(name: string, places: () => readonly number[]): Value {
    const key = `table ${name}`;
    if (this.#initializers.has(key)) return key;
    const values = BigInt64Array.from(places(), BigInt);
    return this.#initialize(key, [values.length], elementType.int64, values);
  }
  scalar(value: number): Value {
    return this.#initialize(`scalar ${value}`, [], elementType.float32, Float32Array.of(value));
  }
  ints(values: readonly number[]): Value {
    return this.#initialize(`ints ${values}`, [values.length], elementType.int64, BigInt64Array.from(values, BigInt));
  }

  add = (a: Value, b: Value): Value => this.op('Add', [a, b]);
  subtract = (a: Value, b: Value): Value => this.op('Sub', [a, b]);
  multiply = (a: Value, b: Value): Value => this.op('Mul', [a, b]);
  divide = (a: Value, b: Value): Value => this.op('Div', [a, b]);
  /** 1 where a > 0, else 0. */
  positive = (a: Value): Value => this.op('Cast', [this.isPositive(a)], { to: elementType.float32 });
  /** Truth values, for `where`. */
  isPositive = (a: Value): Value => this.op('Greater', [a, this.scalar(0)]);
  /** 1 where both are the same, else 0. */
  equal = (a: Value, b: Value): Value => this.op('Cast', [this.op('Equal', [a, b])], { to: elementType.float32 });
  /** Rows of a matrix, in the order of a table. */
  gather = (rows: Value, table: Value): Value => this.op('Gather', [rows, table], { axis: 0 });
  where = (condition: Value, then: Value, otherwise: Value): Value => this.op('Where', [condition, then, otherwise]);
  /** One of the lengths may be -1: what is left. */
  reshape = (a: Value, shape: readonly number[]): Value => this.op('Reshape', [a, this.ints(shape)]);
  transpose = (a: Value, perm: readonly number[]): Value => this.op('Transpose', [a], { perm });
  sum = (a: Value, axes: readonly number[], keepdims: 0 | 1): Value =>
    this.op('ReduceSum', [a, this.ints(axes)], { keepdims });
  mean = (a: Value, axes: readonly number[], keepdims: 0 | 1): Value => this.#reduce('ReduceMean', a, axes, keepdims);
  max = (a: Value, axes: readonly number[], keepdims: 0 | 1): Value => this.#reduce('ReduceMax', a, axes, keepdims);
  concat = (values: readonly Value[], axis: number): Value =>
    values.length === 1 ? (values[0] as Value) : this.op('Concat', values, { axis });
  /** `[start, end)` along one axis. */
  slice = (a: Value, axis: number, start: number, end: number): Value => this.window(a, [axis], [start], [end]);
  /** `[start, end)` along each of the axes, every `step`-th. */
  window = (a: Value, axes: readonly number[], start: readonly number[], end: readonly number[], step = 1): Value => {
    const steps = step === 1 ? [] : [this.ints(axes.map(() => step))];
    return this.op('Slice', [a, this.ints(start), this.ints(end), this.ints(axes), ...steps]);
  };
  /** Adds `value` around; `before` and `after` by axis. */
  pad = (a: Value, before: readonly number[], after: readonly number[], value = 0): Value => {
    if ([...before, ...after].every((count) => count === 0)) return a;
    return this.op('Pad', [a, this.ints([...before, ...after]), this.scalar(value)]);
  };

  /** Axes became an input with operator set 18. */
  #reduce(type: string, a: Value, axes: readonly number[], keepdims: 0 | 1): Value {
    return this.opset < 18 ? this.op(type, [a], { axes, keepdims }) : this.op(type, [a, this.ints(axes)], { keepdims });
  }
  #initialize(name: Value, dims: readonly number[], dataType: number, data: Float32Array | BigInt64Array): Value {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.set(name, { dims, dataType, name, rawData });
    return name;
  }
  #addNode(type: string, input: readonly Value[], output: readonly Value[], attributes: Attributes, domain = ''): void {
    const messages = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    const name = `${type} ${this.#nodes.length}`;
    this.#nodes.push({ name, opType: type, domain, input: [...input], output: [...output], attribute: messages });
  }
  #freshName = (): Value => `value ${this.#count++}`;

  /** Nodes on the way to an output, in order, and the values that they read or make. */
  #needed(): { nodes: NodeMessage[]; values: Set<Value> } {
    const values = new Set(this.#outputs.map((output) => output.name));
    const nodes = this.#nodes
      .toReversed()
      .filter((node) => {
        if (!node.output.some((value) => values.has(value))) return false;
        for (const value of node.input) values.add(value);
        return true;
      })
      .reverse();
    return { nodes, values };
  }
}
