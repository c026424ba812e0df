import sharp from 'sharp';
import { expect, test } from 'vitest';
import { featuresOf } from '../../../../lab/simulate/features.ts';
import { makeTaste, parseWeights } from '../../../../lab/simulate/taste.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const SIDE = 100;
/** Whether a place is on the thing, seen from the middle of the picture. */
const SHAPES = {
  square: (x: number, y: number) => Math.max(Math.abs(x), Math.abs(y)) <= 30,
  ring: (x: number, y: number) => Math.abs(Math.hypot(x, y) - 28) <= 5,
};
type Rgb = readonly [number, number, number];
const RED: Rgb = [208, 32, 32];
const BLUE: Rgb = [32, 48, 208];
const GREEN: Rgb = [32, 128, 32];

/** A thing on nothing, as PNG. @param scale of its size @param at place of its middle */
function draw(shape: keyof typeof SHAPES, colour: Rgb, { scale = 1, at = [50, 50] } = {}) {
  const raw = new Uint8Array(SIDE * SIDE * 4);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const on = SHAPES[shape]((x - at[0]!) / scale, (y - at[1]!) / scale);
      if (on) raw.set([...colour, 255], (y * SIDE + x) * 4);
    }
  }
  return sharp(raw, { raw: { width: SIDE, height: SIDE, channels: 4 } })
    .png()
    .toBuffer();
}
const features = async () => {
  const drawn = {
    redSquare: await draw('square', RED),
    redRing: await draw('ring', RED),
    blueSquare: await draw('square', BLUE),
    blueRing: await draw('ring', BLUE),
  };
  return new Map(
    await Promise.all(Object.entries(drawn).map(async ([id, file]) => [id, await featuresOf(file)] as const)),
  );
};
const best = (taste: ReturnType<typeof makeTaste>, anchor: string) =>
  ['redSquare', 'redRing', 'blueSquare', 'blueRing']
    .filter((id) => id !== anchor)
    .sort((a, b) => taste.utility(anchor, b) - taste.utility(anchor, a))[0];

test('who likes colour wants the other red thing, who likes shape the other square', async () => {
  const seen = await features();
  expect(best(makeTaste(seen, parseWeights('colour'), makeRandom(1)), 'redSquare')).toBe('redRing');
  expect(best(makeTaste(seen, parseWeights('shape'), makeRandom(1)), 'redSquare')).toBe('blueSquare');
  expect(best(makeTaste(seen, parseWeights('colour=0.9,shape=0.1'), makeRandom(1)), 'blueRing')).toBe('blueSquare');
  expect(best(makeTaste(seen, parseWeights('colour=0.1,shape=0.9'), makeRandom(1)), 'blueRing')).toBe('redRing');
});

test('colour is that of the thing in CIE Lab, not of its white or transparent surroundings', async () => {
  const { colour } = await featuresOf(await draw('square', [255, 0, 0]));
  const [l, a, b] = colour;
  // Published value of sRGB red: L 53.2, a 80.1, b 67.2.
  expect(Math.hypot(l! - 53.2, a! - 80.1, b! - 67.2)).toBeLessThan(3);
});

test('where a thing lies and how large it is does not change its shape', async () => {
  const [plain, moved, ring] = await Promise.all([
    featuresOf(await draw('square', GREEN)),
    featuresOf(await draw('square', GREEN, { scale: 0.5, at: [30, 33] })),
    featuresOf(await draw('ring', GREEN)),
  ]);
  const apart = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((value, i) => value - b[i]!));
  expect(apart(plain.shape, moved.shape)).toBeLessThan(0.3 * apart(plain.shape, ring.shape));
});

test('a plain white picture has finite features', async () => {
  const white = await sharp({ create: { width: 20, height: 20, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const { colour, shape } = await featuresOf(white);
  expect([...colour, ...shape].every(Number.isFinite)).toBe(true);
  expect(colour[0]).toBeCloseTo(100, 0);
});

test('utilities are in standard units, so a weight means the same for every feature', async () => {
  const random = makeRandom(8);
  const noise = (length: number, scale: number) => Float64Array.from({ length }, () => scale * random.gaussian());
  const many = new Map(
    Array.from({ length: 60 }, (_, i) => [`${i}`, { colour: noise(6, 100), shape: noise(96, 0.01) }]),
  );
  const spread = (text: string) => {
    const taste = makeTaste(many, parseWeights(text), makeRandom(2));
    const values = [...many.keys()].flatMap((q) =>
      [...many.keys()].filter((id) => id !== q).map((id) => taste.utility(q, id)),
    );
    return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  };
  expect(spread('colour')).toBeCloseTo(1, 1);
  expect(spread('shape')).toBeCloseTo(1, 1);
});

test('the standing of a product is the share of the catalog that is liked less', async () => {
  const line = new Map(
    Array.from({ length: 11 }, (_, i) => [`${i}`, { colour: Float64Array.of(i), shape: Float64Array.of(0) }]),
  );
  const { standing } = makeTaste(line, parseWeights('colour'), makeRandom(1));
  expect(['1', '2', '10'].map((id) => standing('0', id))).toEqual([0.9, 0.8, 0]);
});

test.each(['', 'size', 'colour=', 'colour=-1', 'colour=a', 'colour=0', 'colour=0.5=1', 'colour,', 'toString'])(
  'taste %j is refused with the way to write it',
  (text) => {
    expect(() => parseWeights(text)).toThrow(/--taste must be colour, shape or weights like/);
  },
);

test('weights can be written out', () => {
  expect(parseWeights(' colour=0.8, shape=0.2 ')).toEqual({ colour: 0.8, shape: 0.2 });
  expect(parseWeights('shape')).toEqual({ colour: 0, shape: 1 });
});
