import { beforeAll, describe, expect, test } from 'vitest';
import type { Baseline, Comparison } from '../../lab/baselines/baseline.ts';
import { makeRandom, type Random } from '../../learning/numbers/random.ts';
import { PICTURE_SIZE, type Picture } from '../../learning/picture.ts';

/** The contract of baselines, whatever they look at. */
export function describeBaseline(name: string, baseline: Baseline): void {
  describe(`${name}, as any baseline,`, () => {
    const pictures = drawPictures(20, 5);
    const white = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
    let comparison: Comparison;
    let represented: Float32Array[];
    beforeAll(() => {
      comparison = baseline.fit(pictures, makeRandom(8));
      represented = pictures.map(comparison.represent);
    });

    const nearestTo = (one: Float32Array): number => {
      const distances = represented.map((other) => comparison.distance(one, other));
      return distances.indexOf(Math.min(...distances));
    };

    test('says where it comes from', () => {
      expect(baseline.source).not.toBe('');
    });

    test('keeps equally many finite values of all pictures, also of one without ink', () => {
      for (const values of [...represented, comparison.represent(white)]) {
        expect(values).toBeInstanceOf(Float32Array);
        expect(values).toHaveLength(represented[0]!.length);
        expect(values.every(Number.isFinite)).toBe(true);
      }
    });

    test('a picture is at distance 0 from itself, and nearest to itself', () => {
      pictures.forEach((picture, i) => {
        const again = comparison.represent(picture.slice());
        expect(comparison.distance(represented[i]!, again)).toBeCloseTo(0, 6);
        expect(nearestTo(again)).toBe(i);
      });
    });

    test('distances are finite, >= 0 and the same both ways, also to a picture without ink', () => {
      const all = [...represented, comparison.represent(white)];
      for (const a of all) {
        for (const b of all) {
          const distance = comparison.distance(a, b);
          expect(Number.isFinite(distance)).toBe(true);
          expect(distance).toBeGreaterThanOrEqual(-1e-6);
          expect(Math.abs(distance - comparison.distance(b, a))).toBeLessThanOrEqual(1e-6 * Math.max(1, distance));
        }
      }
      expect(comparison.distance(all.at(-1)!, comparison.represent(white))).toBeCloseTo(0, 6);
    });

    test('a slightly noisy copy is nearest to its original', () => {
      const random = makeRandom(21);
      const found = pictures.map((picture) => nearestTo(comparison.represent(withNoise(picture, random))));
      expect(found).toEqual(pictures.map((_, i) => i));
    });

    test('a seed gives the same result again', () => {
      const again = baseline.fit(pictures, makeRandom(8));
      for (const i of [0, 1, 2]) expect(again.represent(pictures[i]!)).toEqual(represented[i]);
    });
  });
}

/** Pictures of three to six rectangles, discs and striped rectangles each, in any colours on white. */
export function drawPictures(count: number, seed: number): Picture[] {
  const random = makeRandom(seed);
  return Array.from({ length: count }, () => {
    const picture = new Uint8Array(PICTURE_SIZE * PICTURE_SIZE * 3).fill(255);
    for (let shapes = 3 + random.int(4); shapes > 0; shapes--) addShape(picture, random);
    return picture;
  });
}

function addShape(picture: Picture, random: Random): void {
  const colour = [random.int(220), random.int(220), random.int(220)];
  const [centreX, centreY] = [random.int(PICTURE_SIZE), random.int(PICTURE_SIZE)];
  const [width, height] = [6 + random.int(20), 6 + random.int(20)];
  const period = 2 + random.int(5);
  const disc = (dx: number, dy: number) => dx * dx + dy * dy < width * width;
  const rectangle = (dx: number, dy: number) => Math.abs(dx) < width && Math.abs(dy) < height;
  const stripes = (dx: number, dy: number) => rectangle(dx, dy) && (dx + 64) % (2 * period) < period;
  const inside = [disc, rectangle, stripes][random.int(3)]!;
  for (let y = 0; y < PICTURE_SIZE; y++) {
    for (let x = 0; x < PICTURE_SIZE; x++) {
      if (inside(x - centreX, y - centreY)) picture.set(colour, (y * PICTURE_SIZE + x) * 3);
    }
  }
}

/** Every value up to 3 of 255 lighter or darker. */
const withNoise = (picture: Picture, random: Random): Picture =>
  picture.map((value) => Math.min(255, Math.max(0, value + random.int(7) - 3)));
