import sharp from 'sharp';
import { squaredDistance } from '../../learning/numbers/distance.ts';
import { makeRandom } from '../../learning/numbers/random.ts';

/** Side of the picture, pixels; the thing takes the middle two thirds. */
const SIDE = 320;
const THING = 214;

/** The colour at (x, y), each 0..1 from the top left; `grain` is fixed noise in -1..1 of this pixel. */
type Paint = (x: number, y: number, grain: number) => readonly number[];

const even =
  (...colour: number[]): Paint =>
  () =>
    colour;
const times = (colour: readonly number[], factor: number) => colour.map((value) => value * factor);
const wave = (turns: number) => Math.sin(2 * Math.PI * turns);
/** 1 at (cx, cy), falling to nothing a few `rx` and `ry` away. */
const blob = (x: number, y: number, cx: number, cy: number, rx: number, ry: number) =>
  Math.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2);

/** Grounds as shops have them, by formula. */
export const grounds = {
  white: even(255, 255, 255),
  'grey studio': (_x, _y, grain) => times([212, 213, 215], 1 + 0.008 * grain),
  beige: (_x, _y, grain) => times([232, 219, 198], 1 + 0.008 * grain),
  'gradient, soft shadow': (x, y) =>
    times([250, 250, 252], (1 - 0.2 * y) * (1 - 0.35 * blob(x, y, 0.5, 0.84, 0.3, 0.05))),
  'stray pixel': (x, y) => (x < 0.05 && x * SIDE >= 15 && Math.floor(y * SIDE) === 20 ? [0, 0, 0] : [255, 255, 255]),
  vignette: (x, y) => times([238, 236, 232], 1 - 0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)),
  wood: (x, y, grain) =>
    times(
      [178, 136, 92],
      1 + 0.07 * wave(9 * y + 0.5 * wave(0.8 * x)) + 0.05 * wave(31 * y + 0.3 * wave(1.7 * x)) + 0.03 * grain,
    ),
  dark: (_x, _y, grain) => times([38, 40, 46], 1 + 0.03 * grain),
} satisfies Record<string, Paint>;
export type GroundName = keyof typeof grounds;
export const groundNames = Object.keys(grounds) as GroundName[];

const drawn = new Map<GroundName, Buffer>();

/** RGB [SIDE, SIDE, 3]. */
function groundOf(name: GroundName): Buffer {
  const found = drawn.get(name);
  if (found) return found;
  const random = makeRandom(1);
  const paint: Paint = grounds[name];
  const pixels = Buffer.alloc(SIDE * SIDE * 3);
  for (let at = 0; at < SIDE * SIDE; at++) {
    const place = [((at % SIDE) + 0.5) / SIDE, (Math.floor(at / SIDE) + 0.5) / SIDE] as const;
    pixels.set(
      paint(...place, 2 * random.next() - 1).map((value) => Math.min(255, Math.round(value))),
      at * 3,
    );
  }
  drawn.set(name, pixels);
  return pixels;
}

/** The thing of a transparent picture file, photographed on a ground: JPEG, as a shop would have it. */
export async function onGround(picture: string | Buffer, name: GroundName): Promise<Buffer> {
  const thing = await sharp(picture).trim({ threshold: 0 }).resize(THING, THING, { fit: 'inside' }).toBuffer();
  return sharp(groundOf(name), { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .composite([{ input: thing }])
    .jpeg({ quality: 92 })
    .toBuffer();
}

/** Share of queries whose nearest of the gallery is the same product, by place; a tie is not found. */
export function foundFirst(queries: readonly Float32Array[], gallery: readonly Float32Array[]): number {
  const found = queries.filter((query, i) => {
    const own = squaredDistance(query, gallery[i]!);
    return gallery.every((other, j) => j === i || squaredDistance(query, other) > own);
  });
  return found.length / queries.length;
}
