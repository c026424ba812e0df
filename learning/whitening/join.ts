import { scaleToUnit } from '../features/unit.ts';
import type { HiddenLayer } from '../models/served-model.ts';

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
function bent(parts: readonly Float32Array[], x: Float32Array, hidden: HiddenLayer): Float32Array[] {
  const units = activations(x, hidden);
  const { outer } = hidden;
  let row = 0;
  return parts.map((part) => {
    const isBlind = part.every((value) => value === 0);
    const out = part.map((value) => {
      let sum = value;
      for (let h = 0, at = row * units.length; h < units.length; h++, at++) sum += outer[at]! * units[h]!;
      row++;
      return sum;
    });
    return isBlind ? part : scaleToUnit(out);
  });
}

/** relu(inner x + shift): [H] */
function activations(x: Float32Array, { inner, shift }: HiddenLayer): Float32Array {
  return shift.map((own, h) => {
    let sum = own;
    for (let i = 0, at = h * x.length; i < x.length; i++, at++) sum += inner[at]! * x[i]!;
    return Math.max(0, sum);
  });
}
