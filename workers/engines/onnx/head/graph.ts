import { Graph, type Value } from '../graph.ts';
import { l2Norm } from '../layers/l2-norm.ts';
import { lossGraphs } from '../losses/index.ts';
import { withProxies } from '../losses/proxies.ts';
import { dimensionsOf, type HeadSpec, headWeights, unitRows } from './spec.ts';

/** One training step of a head: features, weights and what the losses ask for -> losses and gradients. */
export function headModel(spec: HeadSpec): Uint8Array {
  const { rows, loss, proxies } = spec;
  const dimensions = dimensionsOf(spec);
  const graph = new Graph();
  const served = servedRows(graph, spec);
  const ranking = lossGraphs[loss](graph, served.output, rows, dimensions);
  const classes = proxies?.classes ?? 0;
  const beside = proxies && {
    rows: served.output,
    batch: rows,
    classes,
    proxies: proxyRows(graph, classes, dimensions),
  };
  const cost = beside ? withProxies(graph, ranking, beside) : { ...ranking, proxyGradient: null };
  graph.output('loss', cost.loss, []);
  graph.output('activeShare', cost.activeShare, []);
  for (const [name, { shape, gradient }] of Object.entries(served.backward(cost.gradient)))
    graph.output(`gradient of ${name}`, gradient, shape);
  if (cost.proxyGradient) graph.output(`gradient of ${headWeights.proxies}`, cost.proxyGradient, [classes, dimensions]);
  return graph.bytes('head training');
}

const proxyRows = (graph: Graph, classes: number, dimensions: number): Value =>
  graph.input(headWeights.proxies, [classes, dimensions]);

type Gradients = Record<string, { shape: number[]; gradient: Value }>;

/** The served vectors of a batch, and the gradient by each weight given that by them. */
function servedRows(graph: Graph, spec: HeadSpec) {
  const blocks = blockParts(graph, spec);
  const linear = sideBySide(
    graph,
    spec,
    blocks.map(({ part }) => part),
  );
  const blockGradients = (ofParts: readonly Value[]): Gradients =>
    Object.fromEntries(
      blocks.map(({ shape, backward }, b) => [headWeights.offset(b), { shape, gradient: backward(ofParts[b]!) }]),
    );
  if (!spec.hidden)
    return {
      output: linear.output,
      backward: (gradient: Value): Gradients => blockGradients(linear.backward(gradient)),
    };
  const hidden = hiddenLayer(graph, spec, linear.output);
  const bent = blocks.map(({ part }, b) => l2Norm(graph, graph.add(part, partOf(graph, spec, hidden.output, b))));
  const served = sideBySide(
    graph,
    spec,
    bent.map(({ output }) => output),
  );
  const backward = (gradient: Value): Gradients => {
    const ofSums = served.backward(gradient).map((own, b) => bent[b]!.backward(own));
    const { ofRows, gradients } = hidden.backward(graph.concat(ofSums, 1));
    const ofParts = linear.backward(ofRows).map((own, b) => graph.add(own, ofSums[b]!));
    return { ...blockGradients(ofParts), ...gradients };
  };
  return { output: served.output, backward };
}

/** Each block's part, of unit length, and the gradient by its offset given that by the part. */
function blockParts(graph: Graph, { blocks, rows }: HeadSpec) {
  const features = graph.input('features', [rows, blocks.reduce((sum, { length }) => sum + length, 0)]);
  let read = 0;
  return blocks.map(({ length, dimensions }, b) => {
    const from = read;
    read += length;
    const shape = [dimensions, length];
    const z = graph.slice(features, 1, from, read);
    const start = graph.constant({ shape, data: unitRows(dimensions, length) });
    const map = graph.add(start, graph.input(headWeights.offset(b), shape));
    const unit = l2Norm(graph, graph.op('Gemm', [z, map], { transB: 1 }));
    const backward = (gradient: Value): Value => graph.op('Gemm', [unit.backward(gradient), z], { transA: 1 });
    return { shape, part: unit.output, backward };
  });
}

/** Unit of all sqrt(weight) parts side by side, and the gradient by each part given that by the whole. */
function sideBySide(graph: Graph, spec: HeadSpec, parts: readonly Value[]) {
  const roots = spec.blocks.map(({ weight }) => graph.scalar(Math.sqrt(weight)));
  const weighed = parts.map((part, b) => graph.multiply(part, roots[b]!));
  const whole = l2Norm(graph, graph.concat(weighed, 1));
  const backward = (gradient: Value): Value[] => {
    const all = whole.backward(gradient);
    return roots.map((root, b) => graph.multiply(partOf(graph, spec, all, b), root));
  };
  return { output: whole.output, backward };
}

/** The columns of block b. */
function partOf(graph: Graph, { blocks }: HeadSpec, whole: Value, b: number): Value {
  const start = blocks.slice(0, b).reduce((sum, { dimensions }) => sum + dimensions, 0);
  return graph.slice(whole, 1, start, start + blocks[b]!.dimensions);
}

/** outer relu(inner x + shift) / sqrt(H): the root keeps its first steps as long as those of the blocks' maps, whatever H is. */
function hiddenLayer(graph: Graph, spec: HeadSpec, x: Value) {
  const [units, length] = [spec.hidden, dimensionsOf(spec)];
  const shapes = { inner: [units, length], shift: [units], outer: [length, units] };
  const inner = graph.input(headWeights.inner, shapes.inner);
  const shift = graph.input(headWeights.shift, shapes.shift);
  const outer = graph.input(headWeights.outer, shapes.outer);
  const scale = graph.scalar(1 / Math.sqrt(units));
  const read = graph.op('Gemm', [x, inner, shift], { transB: 1 });
  const active = graph.op('Relu', [read]);
  const output = graph.multiply(graph.op('Gemm', [active, outer], { transB: 1 }), scale);
  const backward = (gradient: Value) => {
    const own = graph.multiply(gradient, scale);
    const ofRead = graph.multiply(graph.op('Gemm', [own, outer]), graph.positive(read));
    const gradients: Gradients = {
      [headWeights.inner]: { shape: shapes.inner, gradient: graph.op('Gemm', [ofRead, x], { transA: 1 }) },
      [headWeights.shift]: { shape: shapes.shift, gradient: graph.sum(ofRead, [0], 0) },
      [headWeights.outer]: { shape: shapes.outer, gradient: graph.op('Gemm', [own, active], { transA: 1 }) },
    };
    return { ofRows: graph.op('Gemm', [ofRead, inner]), gradients };
  };
  return { output, backward };
}
