import { expect, test } from 'vitest';
import { augment, augmentPicture, view } from '../../../src/learning/augment.ts';
import { makeRandom } from '../../../src/learning/random.ts';
import type { Picture } from '../../../src/learning/served-model.ts';

const source = makeRandom(1);
const noise: Picture = Uint8Array.from({ length: 64 * 64 * 3 }, () => source.int(256));
const white: Picture = new Uint8Array(64 * 64 * 3).fill(255);
/** A dark disc in the middle: its place, size and ink tell what was done. */
const disc: Picture = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
  const [x, y] = [(Math.floor(i / 3) % 64) - 31.5, Math.floor(i / 192) - 31.5];
  return x * x + y * y < 200 ? 105 : 255;
});

test.each([64, 32, 16])('strength 0 is the exact mean of the covered pixels, at %i px', (size) => {
  const [viewed, augmented] = [new Float32Array(size * size * 3 + 2), new Float32Array(size * size * 3 + 2)];
  view(noise, viewed, 1, size);
  augment(noise, augmented, 1, size, makeRandom(1), 0);
  expect(augmented).toEqual(viewed);
  const box = 64 / size;
  for (let i = 0; i < size * size * 3; i++) {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
    let sum = 0;
    for (let k = 0; k < box * box; k++) {
      sum += 255 - noise[((y * box + Math.floor(k / box)) * 64 + x * box + (k % box)) * 3 + c]!;
    }
    expect(viewed[1 + i]).toBeCloseTo(sum / (255 * box * box), 5);
  }
  expect([viewed[0], viewed.at(-1)]).toEqual([0, 0]);
});

test('a tiny strength is nearly the plain view, so that nothing is turned or moved by accident', () => {
  const [viewed, augmented] = [new Float32Array(32 * 32 * 3), new Float32Array(32 * 32 * 3)];
  view(noise, viewed, 0, 32);
  augment(noise, augmented, 0, 32, makeRandom(5), 1e-7);
  augmented.forEach((value, i) => {
    expect(value).toBeCloseTo(viewed[i]!, 4);
  });
});

test('the background stays white and ink stays in [0, 1], however strong', () => {
  const random = makeRandom(2);
  const out = new Float32Array(32 * 32 * 3);
  for (let i = 0; i < 50; i++) {
    augment(white, out, 0, 32, random, 1);
    expect(out.every((value) => value === 0)).toBe(true);
    augment(noise, out, 0, 32, random, 3);
    expect(out.every((value) => value >= 0 && value <= 1)).toBe(true);
  }
});

test('place, size and colour vary in the ranges that are promised', () => {
  const random = makeRandom(3);
  const out = new Float32Array(32 * 32 * 3);
  const seen = Array.from({ length: 400 }, () => {
    augment(disc, out, 0, 32, random, 1);
    let [mass, x, y, area] = [0, 0, 0, 0];
    for (let i = 0; i < 1024; i++) {
      const ink = out[i * 3]!;
      mass += ink;
      x += ink * ((i % 32) - 15.5);
      y += ink * (Math.floor(i / 32) - 15.5);
      if (ink > 0.2) area++;
    }
    return { x: x / mass, y: y / mass, area, ink: mass / area };
  });
  const range = (key: 'x' | 'y' | 'area' | 'ink') => {
    const values = seen.map((one) => one[key]);
    return [Math.min(...values), Math.max(...values)] as const;
  };
  // 3 px of 32, seen through the scale.
  for (const axis of ['x', 'y'] as const) {
    expect(range(axis)[0]).toBeLessThan(-2);
    expect(range(axis)[1]).toBeGreaterThan(2);
    expect(Math.max(...range(axis).map(Math.abs))).toBeLessThan(3 * 1.4 + 0.2);
  }
  const plain = (Math.PI * 200) / 4;
  expect(range('area')[0] / plain).toBeGreaterThan(Math.exp(-0.36) - 0.1);
  expect(range('area')[0] / plain).toBeLessThan(0.85);
  expect(range('area')[1] / plain).toBeGreaterThan(1.2);
  expect(range('area')[1] / plain).toBeLessThan(Math.exp(0.36) + 0.15);
  expect(range('ink')[0]).toBeLessThan(0.52);
  expect(range('ink')[1]).toBeGreaterThan(0.64);
  expect(range('ink')[1]).toBeLessThan((150 / 255) * 1.2 * 1.12 + 0.02);
});

test('some views are mirrored and most are not', () => {
  const half: Picture = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 64 < 20 ? 0 : 255));
  const random = makeRandom(4);
  const out = new Float32Array(16 * 16 * 3);
  let mirrored = 0;
  for (let i = 0; i < 1000; i++) {
    augment(half, out, 0, 16, random, 1);
    let left = 0;
    out.forEach((value, at) => {
      left += Math.floor(at / 3) % 16 < 8 ? value : -value;
    });
    if (left < 0) mirrored++;
  }
  expect(mirrored / 1000).toBeGreaterThan(0.11);
  expect(mirrored / 1000).toBeLessThan(0.19);
});

test('the same random state gives the same view, and every view takes the same number of draws', () => {
  const [a, b] = [makeRandom(6), makeRandom(6)];
  expect(augmentPicture(noise, a, 1)).toEqual(augmentPicture(noise, b, 1));
  augmentPicture(noise, a, 0);
  augmentPicture(white, b, 2);
  expect(a.state()).toEqual(b.state());
});

test('a picture view is a picture: strength 0 copies, others differ, white stays white', () => {
  expect(augmentPicture(noise, makeRandom(1), 0)).toEqual(noise);
  const changed = augmentPicture(noise, makeRandom(1), 1);
  expect(changed).toHaveLength(64 * 64 * 3);
  expect(changed).not.toEqual(noise);
  expect(augmentPicture(white, makeRandom(1), 1)).toEqual(white);
});

test('a size that does not divide the picture is refused', () => {
  expect(() => view(noise, new Float32Array(5000), 0, 24)).toThrow('does not divide');
});
