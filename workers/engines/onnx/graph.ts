import type { Tensor } from '../../../src/learning/network/spec.ts';
import {
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
type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** Builds an ONNX graph of float32 values node by node; each method adds nodes and names their result. */
export class Graph {
  readonly #nodes: NodeMessage[] = [];
  readonly #initializers = new Map<Value, TensorMessage>();
  readonly #inputs: ValueInfoMessage[] = [];
  readonly #outputs: ValueInfoMessage[] = [];
  #count = 0;

  /** @param dims a name stands for a length that is known at run time only. */
  input(name: string, dims: readonly (number | string)[]): Value {
    this.#inputs.push(floatValue(name, dims));
    return name;
  }
  output(name: string, value: Value, dims: readonly (number | string)[]): void {
    this.#addNode('Identity', [value], [name], {});
    this.#outputs.push(floatValue(name, dims));
  }
  op(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const output = this.#freshName();
    this.#addNode(type, inputs, [output], attributes);
    return output;
  }
  /** For the operators that have two results. */
  pair(type: string, inputs: readonly Value[], attributes: Attributes): readonly [Value, Value] {
    const outputs = [this.#freshName(), this.#freshName()] as const;
    this.#addNode(type, inputs, outputs, attributes);
    return outputs;
  }
  bytes(name: string): Uint8Array {
    const initializer = [...this.#initializers.values()];
    return encodeModel({ name, node: this.#nodes, initializer, input: this.#inputs, output: this.#outputs });
  }

  constant({ shape, data }: Tensor): Value {
    return this.#initialize(this.#freshName(), shape, elementType.float32, data);
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
  positive = (a: Value): Value =>
    this.op('Cast', [this.op('Greater', [a, this.scalar(0)])], { to: elementType.float32 });
  /** One of the lengths may be -1: what is left. */
  reshape = (a: Value, shape: readonly number[]): Value => this.op('Reshape', [a, this.ints(shape)]);
  transpose = (a: Value, perm: readonly number[]): Value => this.op('Transpose', [a], { perm });
  sum = (a: Value, axes: readonly number[], keepdims: 0 | 1): Value =>
    this.op('ReduceSum', [a, this.ints(axes)], { keepdims });
  concat = (values: readonly Value[], axis: number): Value => this.op('Concat', values, { axis });
  /** `[start, end)` along one axis. */
  slice = (a: Value, axis: number, start: number, end: number): Value =>
    this.op('Slice', [a, this.ints([start]), this.ints([end]), this.ints([axis])]);

  #initialize(name: Value, dims: readonly number[], dataType: number, data: Float32Array | BigInt64Array): Value {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.set(name, { dims, dataType, name, rawData });
    return name;
  }
  #addNode(opType: string, input: readonly Value[], output: readonly Value[], attributes: Attributes): void {
    const messages = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    const name = `${opType} ${this.#nodes.length}`;
    this.#nodes.push({ name, opType, input: [...input], output: [...output], attribute: messages });
  }
  #freshName = (): Value => `value ${this.#count++}`;
}
