import { scaleToUnit } from '../features/unit.ts';
import type { HiddenLayer } from '../models/served-model.ts';
import { timesVector } from '../numbers/matrix-loops.ts';

/**
 * The served vector of the parts that the blocks give, u_b of unit length (0: the block saw nothing) with its weight w_b:
 *
 *   x = unit of all sqrt(w_b) u_b side by side
 *
 * and where there is a hidden layer
 *
 *   v = unit of all sqrt(w_b) unit(u_b + outer_b relu(inner x + shift)) side by side, outer_b the rows of the block's own places.
 *
 * A part that is 0 stays 0, and the others fill the length; if no block saw anything the whole is 0.
 * @returns [n], unit length or zeros
 */
export function joined(parts: readonly Float32Array[], weights: readonly number[], hidden?: HiddenLayer): Float32Array {
  const linear = sideBySide(parts, weights);
  return hidden ? sideBySide(bent(parts, linear, hidden), weights) : linear;
}

function sideBySide(parts: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const out = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const [b, part] of parts.entries()) {
    const root = Math.sqrt(weights[b]!);
    for (const value of part) out[at++] = root * value;
  }
  return scaleToUnit(out);
}

/** unit(u_b + outer_b relu(inner x + shift)) of each part. */
function bent(
  parts: readonly Float32Array[],
  x: Float32Array,
  { inner, shift, outer }: HiddenLayer,
): readonly Float32Array[] {
  const units = timesVector(inner, new Float64Array(x), shift).map((value) => Math.max(0, value));
  const activations = new Float64Array(units);
  let at = 0;
  return parts.map((part) => {
    const own = outer.subarray(at, at + part.length * units.length);
    at += own.length;
    const isBlind = part.every((value) => value === 0);
    return isBlind ? part : scaleToUnit(timesVector(own, activations, part));
  });
}
