import type { HandMade } from '@simili/learning/features/index';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { Graph, Value } from '../graph.ts';
import { boxSums, unitRows } from './picture.ts';

/**
 * The hand-made features of learning/features as ONNX operators: pictures as float32 numbers of 0 to 255,
 * [n, 64, 64, 3] -> rows [n, length]. Held to the originals by a test.
 */
export const featureGraphs: Readonly<Record<HandMade, (graph: Graph, pictures: Value) => Value>> = {
  hog,
  pixels,
  colour,
};

const cells = 8;
const bins = 9;

function hog(graph: Graph, pictures: Value): Value {
  const side = PICTURE_SIZE;
  const brightness = graph.reshape(graph.sum(pictures, [3], 0), [-1, 1, side, side]);
  const grey = graph.pad(graph.subtract(graph.scalar(765), brightness), [0, 0, 1, 1], [0, 0, 1, 1]);
  const moved = (y: number, x: number) => graph.window(grey, [2, 3], [1 + y, 1 + x], [1 + y + side, 1 + x + side]);
  const gx = graph.subtract(moved(0, 1), moved(0, -1));
  const gy = graph.subtract(moved(1, 0), moved(-1, 0));
  const square = graph.add(graph.multiply(gx, gx), graph.multiply(gy, gy));
  // [n, bins, 64, 64]: what each pixel has for each orientation.
  const votes = graph.multiply(graph.op('Sqrt', [square]), orientationShares(graph, gx, gy));
  const rows = graph.constant({ shape: [cells, side], data: cellShares(side) });
  const columns = graph.transpose(rows, [1, 0]);
  const histogram = graph.op('MatMul', [graph.op('MatMul', [rows, votes]), columns]);
  const flat = graph.reshape(graph.transpose(histogram, [0, 2, 3, 1]), [-1, cells * cells * bins]);
  return unitRows(graph, graph.op('Sqrt', [flat]));
}

/** An unsigned angle is shared between the two nearest bin centres, (k + 1/2) pi / bins: a triangle around each. */
function orientationShares(graph: Graph, gx: Value, gy: Value): Value {
  const upright = graph.op('Equal', [gx, graph.scalar(0)]);
  const angle = graph.op('Atan', [graph.divide(gy, graph.where(upright, graph.scalar(1), gx))]);
  const isNegative = graph.op('Less', [angle, graph.scalar(0)]);
  const unsigned = graph.where(isNegative, graph.add(angle, graph.scalar(Math.PI)), angle);
  const scaled = graph.subtract(graph.multiply(unsigned, graph.scalar(bins / Math.PI)), graph.scalar(0.5));
  const position = graph.where(upright, graph.scalar(bins / 2 - 0.5), scaled);
  const centres = graph.constant({ shape: [bins, 1, 1], data: Float32Array.from({ length: bins }, (_, k) => k) });
  const apart = graph.op('Abs', [graph.subtract(position, centres)]);
  const around = graph.op('Min', [apart, graph.subtract(graph.scalar(bins), apart)]);
  return graph.op('Relu', [graph.subtract(graph.scalar(1), around)]);
}

/** [cells, side]: the share of a pixel that goes to a cell, a triangle around its centre. */
function cellShares(side: number): Float32Array {
  const shares = new Float32Array(cells * side);
  for (let cell = 0; cell < cells; cell++) {
    for (let pixel = 0; pixel < side; pixel++) {
      const position = ((pixel + 0.5) * cells) / side - 0.5;
      shares[cell * side + pixel] = Math.max(0, 1 - Math.abs(position - cell));
    }
  }
  return shares;
}

const pixelSide = 16;

function pixels(graph: Graph, pictures: Value): Value {
  const box = PICTURE_SIZE / pixelSide;
  const sums = boxSums(graph, pictures, PICTURE_SIZE, box);
  const inks = graph.subtract(graph.scalar(255 * box * box), sums);
  return unitRows(graph, graph.reshape(inks, [-1, pixelSide * pixelSide * 3]));
}

const levels = 4;

function colour(graph: Graph, pictures: Value): Value {
  const sums = boxSums(graph, pictures, PICTURE_SIZE, 2);
  const level = graph.op('Min', [
    graph.op('Floor', [graph.divide(sums, graph.scalar(1024 / levels))]),
    graph.scalar(levels - 1),
  ]);
  const places = graph.constant({ shape: [3], data: Float32Array.of(levels * levels, levels, 1) });
  const bin = graph.reshape(graph.sum(graph.multiply(level, places), [3], 0), [-1, 1, (PICTURE_SIZE / 2) ** 2]);
  const count = levels ** 3;
  const all = graph.constant({ shape: [count, 1], data: Float32Array.from({ length: count }, (_, i) => i) });
  const counts = graph.sum(graph.op('Cast', [graph.op('Equal', [bin, all])], { to: 1 }), [2], 0);
  // The last bin is the background.
  const counted = graph.constant({
    shape: [count],
    data: Float32Array.from({ length: count }, (_, i) => Number(i < count - 1)),
  });
  return unitRows(graph, graph.op('Sqrt', [graph.multiply(counts, counted)]));
}
