import type { Random } from './random.ts';
import { PICTURE_SIZE, type Picture } from './served-model.ts';

/** Ranges at strength 1, each drawn uniformly and symmetrically, except flips. */
const scaleRange = 0.18; // of the logarithm
const aspectRange = 0.08; // of the logarithm
const rotationRange = (15 * Math.PI) / 180;
const shiftRange = 3 / 32; // of the side
const flipShare = 0.15;
const brightnessRange = 0.2; // of the ink
const channelRange = 0.12; // of the ink of one channel

/**
 * Writes the picture as the network reads it: float32 HWC [size, size, 3], ink = 1 - rgb/255 in [0, 1], each pixel the exact
 * mean of the pixels it covers.
 * @param offset where in `out` to begin
 * @param size divides 64
 */
export function view(picture: Picture, out: Float32Array, offset: number, size: number): void {
  const box = PICTURE_SIZE / size;
  if (!Number.isInteger(box)) throw new Error(`size ${size} does not divide ${PICTURE_SIZE}`);
  const scale = 1 / (255 * box * box);
  for (let y = 0, to = offset; y < size; y++) {
    for (let x = 0; x < size; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < box; v++) {
        let from = ((y * box + v) * PICTURE_SIZE + x * box) * 3;
        for (let u = 0; u < box; u++, from += 3) {
          red += picture[from]!;
          green += picture[from + 1]!;
          blue += picture[from + 2]!;
        }
      }
      out[to] = 1 - red * scale;
      out[to + 1] = 1 - green * scale;
      out[to + 2] = 1 - blue * scale;
    }
  }
}

/**
 * As `view`, but of a randomly moved, turned, scaled, sometimes mirrored and slightly recoloured picture (the paper,
 * section 4, shifts pixels; the rest is ours). What comes in from outside is white. Draws the same number of random
 * values every time.
 * @param strength >= 0: 1 = the ranges above, 0 = `view`
 */
export function augment(
  picture: Picture,
  out: Float32Array,
  offset: number,
  size: number,
  random: Random,
  strength: number,
): void {
  const change = drawChange(random, strength);
  if (strength === 0) view(picture, out, offset, size);
  else resample(picture, out, offset, size, change);
}

/** A view of the picture as `augment` makes them, as a picture: uint8 [64, 64, 3]; strength 0 gives a copy. */
export function augmentPicture(picture: Picture, random: Random, strength: number): Picture {
  const ink = new Float32Array(PICTURE_SIZE * PICTURE_SIZE * 3);
  augment(picture, ink, 0, PICTURE_SIZE, random, strength);
  return Uint8Array.from(ink, (value) => Math.round(255 * (1 - value)));
}

/** From a place in the result to its source, both in sides from the centre: [x', y'] = matrix [x, y] + shift. */
type Change = {
  readonly matrix: readonly [number, number, number, number];
  readonly shift: readonly [number, number];
  readonly gains: readonly [number, number, number];
};

function drawChange(random: Random, strength: number): Change {
  const within = (range: number): number => (2 * random.next() - 1) * range * strength;
  const scale = Math.exp(within(scaleRange));
  const aspect = Math.exp(within(aspectRange));
  const angle = within(rotationRange);
  const mirror = random.next() < flipShare * Math.min(1, strength) ? -1 : 1;
  const shift = [within(shiftRange), within(shiftRange)] as const;
  const brightness = 1 + within(brightnessRange);
  const gain = (): number => Math.max(0, brightness * (1 + within(channelRange)));
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [byX, byY] = [scale * aspect, scale / aspect];
  return {
    matrix: [byX * cos * mirror, -byX * sin, byY * sin * mirror, byY * cos],
    shift,
    gains: [gain(), gain(), gain()],
  };
}

/** Mean of `fine` x `fine` nearest source pixels per pixel of the result. */
function resample(picture: Picture, out: Float32Array, offset: number, size: number, change: Change): void {
  const fine = Math.max(2, Math.ceil(PICTURE_SIZE / size));
  const [xx, xy, yx, yy] = change.matrix;
  // One step in the fine grid of the result, in source pixels.
  const step = PICTURE_SIZE / (size * fine);
  const start = step / 2 - PICTURE_SIZE / 2;
  const fromX = PICTURE_SIZE * (0.5 + change.shift[0]);
  const fromY = PICTURE_SIZE * (0.5 + change.shift[1]);
  const [redGain, greenGain, blueGain] = change.gains.map((gain) => gain / (255 * fine * fine)) as [
    number,
    number,
    number,
  ];
  for (let y = 0, to = offset; y < size; y++) {
    for (let x = 0; x < size; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < fine; v++) {
        const dy = start + (y * fine + v) * step;
        for (let u = 0; u < fine; u++) {
          const dx = start + (x * fine + u) * step;
          const sourceX = Math.floor(xx * dx + xy * dy + fromX);
          const sourceY = Math.floor(yx * dx + yy * dy + fromY);
          if (sourceX < 0 || sourceY < 0 || sourceX >= PICTURE_SIZE || sourceY >= PICTURE_SIZE) continue;
          const at = (sourceY * PICTURE_SIZE + sourceX) * 3;
          red += 255 - picture[at]!;
          green += 255 - picture[at + 1]!;
          blue += 255 - picture[at + 2]!;
        }
      }
      out[to] = Math.min(1, red * redGain);
      out[to + 1] = Math.min(1, green * greenGain);
      out[to + 2] = Math.min(1, blue * blueGain);
    }
  }
}
