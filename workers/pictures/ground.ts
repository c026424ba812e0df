import { fitSurface, medianColour, residuals, type Samples, TERMS } from './ground-surface.ts';
import type { Colour, Raster } from './raster.ts';

/** Ground behind a thing: each channel is a polynomial of the place, as the falling light of a studio is one. */
export type Ground = {
  /** [3 x TERMS] */
  readonly terms: Float64Array;
  /** How far the border lies from it: robust standard deviation, levels of 0..255. */
  readonly noise: number;
  /** Median of the border. */
  readonly edge: Colour;
  /** False where no smooth ground explains the border, as in a photograph of a place: nothing may be cut off then. */
  readonly isFound: boolean;
};

/** Share of the border that the ground must explain: a thing that is cut off at one side leaves three. */
const LEAST_EXPLAINED = 0.6;
/** Levels; wood has 8 to 15, the border of a room or a street twice that and more. */
const MOST_NOISE = 16;
/** Border pixels looked at, about, in rings that together are this share of the picture's shorter side. */
const [SAMPLES, RINGS_SHARE] = [144, 0.015];

/** The ground as the border shows it: single pixels, lines and things that reach the border are outvoted. */
export function estimateGround(raster: Raster): Ground {
  const samples = borderOf(raster);
  const edge = medianColour(samples);
  const terms = fitSurface(samples, edge);
  const { noise, limit, all } = residuals(samples, terms);
  let explained = 0;
  for (const value of all) if (value <= limit) explained++;
  return { terms, noise, edge, isFound: explained >= LEAST_EXPLAINED * all.length && noise <= MOST_NOISE };
}

function borderOf(raster: Raster): Samples {
  const { pixels, width, height } = raster;
  const places: number[] = [];
  const colours: number[] = [];
  for (const [x, y] of borderPlaces(width, height)) {
    const at = (y * width + x) * 3;
    places.push((2 * (x + 0.5)) / width - 1, (2 * (y + 0.5)) / height - 1);
    colours.push(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
  }
  return { places: Float64Array.from(places), colours: Float64Array.from(colours) };
}

function* borderPlaces(width: number, height: number): Iterable<[number, number]> {
  const rings = Math.max(1, Math.round(Math.min(width, height) * RINGS_SHARE));
  const step = Math.max(1, (2 * (width + height) * rings) / SAMPLES);
  for (let ring = 0; ring < rings; ring++) {
    // Each ring looks between the places of the one before.
    const first = ring + (ring * step) / rings;
    for (let x = first; x < width - ring; x += step) {
      yield [Math.floor(x), ring];
      yield [Math.floor(x), height - 1 - ring];
    }
    for (let y = first; y < height - ring; y += step) {
      yield [ring, Math.floor(y)];
      yield [width - 1 - ring, Math.floor(y)];
    }
  }
}

/** Whether the ground is this colour everywhere, to a level. */
export const isEvenly = (ground: Ground, colour: Colour): boolean =>
  groundColours(ground, 3, 3).every((value, i) => Math.abs(value - colour[i % 3]!) <= 1);

/** The ground's colours in the middle of each cell of a grid over the picture: [rows, columns, 3], 0..255. */
export function groundColours({ terms }: Ground, columns: number, rows: number): Float32Array {
  const colours = new Float32Array(rows * columns * 3);
  for (let row = 0; row < rows; row++) {
    const v = (2 * (row + 0.5)) / rows - 1;
    for (let c = 0; c < 3; c++) {
      const t = c * TERMS;
      const constant = terms[t]! + terms[t + 2]! * v + terms[t + 4]! * v * v;
      const linear = terms[t + 1]! + terms[t + 5]! * v;
      const square = terms[t + 3]!;
      for (let x = 0, at = row * columns * 3 + c; x < columns; x++, at += 3) {
        const u = (2 * (x + 0.5)) / columns - 1;
        colours[at] = Math.min(255, Math.max(0, constant + (linear + square * u) * u));
      }
    }
  }
  return colours;
}
