import sharp from 'sharp';

/** Features by which simulated shoppers judge a picture. Made for this command alone: no model of the product knows these numbers. */
export type Features = Readonly<Record<FeatureName, Float64Array>>;
export const featureNames = ['colour', 'shape'] as const;
export type FeatureName = (typeof featureNames)[number];

/** Lab, three planes of SIZE x SIZE. */
type Picture = { l: Float64Array; a: Float64Array; b: Float64Array };

const SIZE = 64;
const PIXELS = SIZE * SIZE;
/** Euclidean distance in Lab from white, above which a pixel belongs to the thing and not to its background. */
const INK = 8;
const GRID = 8;
const CELLS = 4;
const ORIENTATIONS = 6;

/**
 * @param file a picture in any format that sharp reads; transparent parts become white.
 * @returns colour: 6 numbers, mean and standard deviation of L, a, b over the ink. shape: two unit vectors, the
 *   silhouette's coverage on an 8 x 8 grid and the edge energy by 4 x 4 cells and 6 orientations, of the trimmed thing.
 * @throws Error when sharp cannot read it.
 */
export async function featuresOf(file: Uint8Array): Promise<Features> {
  const picture = await decode(file);
  const ink = inkOf(picture);
  return {
    colour: colourOf(picture, ink),
    shape: Float64Array.from([...unit(silhouette(ink)), ...unit(edges(picture.l, ink))]),
  };
}

/** On white, cut to the thing, fitted into the square: where it lies in the picture and how large it is do not count. */
async function decode(file: Uint8Array): Promise<Picture> {
  const small = await sharp(file)
    .resize(4 * SIZE, 4 * SIZE, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .png()
    .toBuffer();
  const rgb = await sharp(await trim(small))
    .resize(SIZE, SIZE, { fit: 'contain', background: '#fff' })
    .removeAlpha()
    .raw()
    .toBuffer();
  return toLab(rgb);
}

/** A picture of one even colour has nothing to trim; sharp calls that an error. */
const trim = (file: Uint8Array): Promise<Uint8Array> =>
  sharp(file)
    .trim({ background: '#fff', threshold: 12 })
    .toBuffer()
    .catch(() => file);

/** CIE 1976 L*a*b*, white point D65, from sRGB bytes. */
function toLab(rgb: Uint8Array): Picture {
  const picture = { l: new Float64Array(PIXELS), a: new Float64Array(PIXELS), b: new Float64Array(PIXELS) };
  for (let i = 0; i < PIXELS; i++) {
    const [red, green, blue] = [linear(rgb[3 * i]!), linear(rgb[3 * i + 1]!), linear(rgb[3 * i + 2]!)];
    const x = cubeRoot((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    const y = cubeRoot(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    const z = cubeRoot((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
    picture.l[i] = 116 * y - 16;
    picture.a[i] = 500 * (x - y);
    picture.b[i] = 200 * (y - z);
  }
  return picture;
}

const linear = (byte: number): number => (byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const cubeRoot = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);

/** 1 where the thing is, 0 on the background. A picture without any ink is all thing: white on white. */
function inkOf({ l, a, b }: Picture): Uint8Array {
  const ink = Uint8Array.from(l, (light, i) => (Math.hypot(100 - light, a[i]!, b[i]!) > INK ? 1 : 0));
  return ink.includes(1) ? ink : ink.fill(1);
}

function colourOf({ l, a, b }: Picture, ink: Uint8Array): Float64Array {
  const spreads = [l, a, b].map((plane) => meanAndDeviation(plane.filter((_, i) => ink[i])));
  return Float64Array.from([...spreads.map(([mean]) => mean), ...spreads.map(([, deviation]) => deviation)]);
}

export function meanAndDeviation(values: Float64Array): [mean: number, deviation: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(variance)];
}

function silhouette(ink: Uint8Array): Float64Array {
  const grid = new Float64Array(GRID * GRID);
  for (let i = 0; i < PIXELS; i++) grid[cellOf(i, GRID)]! += ink[i]!;
  return grid;
}

/** Gradient length of lightness, shared out over the two nearest orientations; a half-turn is no difference. */
function edges(light: Float64Array, ink: Uint8Array): Float64Array {
  const energy = new Float64Array(CELLS * CELLS * ORIENTATIONS);
  for (let y = 1; y < SIZE - 1; y++) {
    for (let x = 1; x < SIZE - 1; x++) {
      const i = y * SIZE + x;
      if (!ink[i]) continue;
      const dx = light[i + 1]! - light[i - 1]!;
      const dy = light[i + SIZE]! - light[i - SIZE]!;
      const turn = ((Math.atan2(dy, dx) / Math.PI + 1) * ORIENTATIONS) % ORIENTATIONS;
      const bin = Math.floor(turn);
      const cell = cellOf(i, CELLS) * ORIENTATIONS;
      const length = Math.hypot(dx, dy);
      energy[cell + bin]! += length * (1 - (turn - bin));
      energy[cell + ((bin + 1) % ORIENTATIONS)]! += length * (turn - bin);
    }
  }
  return energy;
}

const cellOf = (pixel: number, across: number): number => {
  const [x, y] = [pixel % SIZE, Math.floor(pixel / SIZE)];
  return Math.floor((y * across) / SIZE) * across + Math.floor((x * across) / SIZE);
};

/** All zeros stay zeros. */
function unit(values: Float64Array): Float64Array {
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}
