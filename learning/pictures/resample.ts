import { groundInk } from './ground-ink.ts';

/** Pixels of the result are means of source pixels; both are square, row-major, RGB. Ink = 1 - rgb/255. */

/** An affine change of a picture, as the map from a place in the result to its source. */
export type Change = {
  /** Both in sides from the centre: [x', y'] = [xx x + xy y, yx x + yy y] + shift. */
  readonly matrix: readonly [xx: number, xy: number, yx: number, yy: number];
  readonly shift: readonly [x: number, y: number];
  /** Which channel of the source each of the result shows, and what its ink is multiplied by. */
  readonly channels: readonly [number, number, number];
  readonly gains: readonly [number, number, number];
  readonly grey: boolean;
  /** Patch of the result that becomes ground; [left, top, right, bottom] in shares of the side. */
  readonly erased: readonly [number, number, number, number] | null;
};

/**
 * Exact mean of the area that each pixel of the result covers: float32 HWC [size, size, 3] of ink, from `offset` in `out`.
 * @param source uint8 [side, side, 3]
 * @throws Error when size > side
 */
export function areaMean(source: Uint8Array, side: number, out: Float32Array, offset: number, size: number): void {
  if (size > side) throw new Error(`size ${size} is larger than the picture, ${side}`);
  const box = side / size;
  if (Number.isInteger(box)) meanOfBoxes(source, side, out, offset, size, box);
  else meanOfSpans(source, side, out, offset, size);
}

function meanOfBoxes(
  source: Uint8Array,
  side: number,
  out: Float32Array,
  offset: number,
  size: number,
  box: number,
): void {
  const scale = 1 / (255 * box * box);
  for (let y = 0, to = offset; y < size; y++) {
    for (let x = 0; x < size; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < box; v++) {
        let from = ((y * box + v) * side + x * box) * 3;
        for (let u = 0; u < box; u++, from += 3) {
          red += source[from]!;
          green += source[from + 1]!;
          blue += source[from + 2]!;
        }
      }
      out[to] = 1 - red * scale;
      out[to + 1] = 1 - green * scale;
      out[to + 2] = 1 - blue * scale;
    }
  }
}

/** Source pixels at the edge of an area count with the part of them that is inside: rows first, then columns. */
function meanOfSpans(source: Uint8Array, side: number, out: Float32Array, offset: number, size: number): void {
  const spans = Array.from({ length: size }, (_, i) => spanOf(i, side, size));
  const rows = new Float32Array(side * size * 3);
  for (let y = 0, to = 0; y < side; y++) {
    for (const { first, weights } of spans) {
      for (let c = 0; c < 3; c++, to++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * source[(y * side + first + k) * 3 + c]!;
        rows[to] = sum;
      }
    }
  }
  const length = size * 3;
  spans.forEach(({ first, weights }, y) => {
    for (let at = 0; at < length; at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(first + k) * length + at]!;
      out[offset + y * length + at] = 1 - sum / 255;
    }
  });
}

/** Which source pixels the i-th of `size` equal parts of the side covers, and the share of the part that each makes up. */
function spanOf(i: number, side: number, size: number): { first: number; weights: number[] } {
  // In whole numbers, side x size to the side, so that nothing is lost at the edges.
  const [begin, end] = [i * side, (i + 1) * side];
  const first = Math.floor(begin / size);
  const last = Math.ceil(end / size);
  const weights = Array.from({ length: last - first }, (_, k) => {
    const pixel = (first + k) * size;
    return (Math.min(end, pixel + size) - Math.max(begin, pixel)) / side;
  });
  return { first, weights };
}

/** Source places are whole numbers of this part of a pixel. */
const FINE_BITS = 16;
const ONE = 2 ** FINE_BITS;

/**
 * As `areaMean`, changed: each pixel is the mean of fine x fine nearest source pixels, fine = max(2, ceil(side / size)),
 * and what comes in from outside is the picture's ground, the median of its border. Exact where nothing is turned or scaled, `size` divides `side` and the
 * shift is whole.
 */
export function resample(
  source: Uint8Array,
  side: number,
  out: Float32Array,
  offset: number,
  size: number,
  change: Change,
): void {
  const fine = Math.max(2, Math.ceil(side / size));
  const [xx, xy, yx, yy] = change.matrix;
  // One step in the fine grid of the result, in source pixels; the map's coefficients are for such steps.
  const step = side / (size * fine);
  const [stepXX, stepYX] = [Math.round(xx * step * ONE), Math.round(yx * step * ONE)];
  const [stepXY, stepYY] = [Math.round(xy * step * ONE), Math.round(yy * step * ONE)];
  const corner = step / 2 - side / 2;
  const limit = side * ONE;
  const unit = 1 / (255 * fine * fine);
  // Channel c of the source is written to place to[c] with gain of that place.
  const [toRed, toGreen, toBlue] = [0, 1, 2].map((c) => change.channels.indexOf(c)) as [number, number, number];
  const [redGain, greenGain, blueGain] = [toRed, toGreen, toBlue].map((place) => change.gains[place]! * unit) as [
    number,
    number,
    number,
  ];
  const { grey } = change;
  const [redGround, greenGround, blueGround] = groundInk(source, side);
  for (let y = 0, to = offset; y < size; y++) {
    // Rounding errors of the steps do not add up over rows.
    const down = corner + y * fine * step;
    let rowX = Math.round((xx * corner + xy * down + side * (0.5 + change.shift[0])) * ONE);
    let rowY = Math.round((yx * corner + yy * down + side * (0.5 + change.shift[1])) * ONE);
    for (let x = 0; x < size; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < fine; v++) {
        let sourceX = (rowX + v * stepXY) | 0;
        let sourceY = (rowY + v * stepYY) | 0;
        for (let u = 0; u < fine; u++) {
          if (sourceX >= 0 && sourceY >= 0 && sourceX < limit && sourceY < limit) {
            const at = ((sourceY >> FINE_BITS) * side + (sourceX >> FINE_BITS)) * 3;
            red += 255 - source[at]!;
            green += 255 - source[at + 1]!;
            blue += 255 - source[at + 2]!;
          } else {
            red += redGround;
            green += greenGround;
            blue += blueGround;
          }
          sourceX = (sourceX + stepXX) | 0;
          sourceY = (sourceY + stepYX) | 0;
        }
      }
      rowX += fine * stepXX;
      rowY += fine * stepYX;
      if (grey) red = green = blue = (red + green + blue) / 3;
      out[to + toRed] = Math.min(1, red * redGain);
      out[to + toGreen] = Math.min(1, green * greenGain);
      out[to + toBlue] = Math.min(1, blue * blueGain);
    }
  }
  if (change.erased) {
    const ground = [redGround, greenGround, blueGround].map((ink) => ink / 255);
    erase(out, offset, size, change.erased, changedColour(ground, change));
  }
}

/** A colour after a change, [3], ink in [0, 1]. */
function changedColour(ink: readonly number[], { channels, gains, grey }: Change): number[] {
  const mean = (ink[0]! + ink[1]! + ink[2]!) / 3;
  return channels.map((from, place) => Math.min(1, (grey ? mean : ink[from]!) * gains[place]!));
}

function erase(out: Float32Array, offset: number, size: number, erased: readonly number[], ink: number[]): void {
  const [left, top, right, bottom] = erased.map((share) => Math.round(share * size)) as [
    number,
    number,
    number,
    number,
  ];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) out.set(ink, offset + (y * size + x) * 3);
  }
}
