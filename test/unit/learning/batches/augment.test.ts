import { expect, test } from 'vitest';
import {
  type Augmentation,
  augmentationNamed,
  augmentationNames,
  augmentPicture,
  drawMasks,
  fillBatch,
  view,
} from '../../../../learning/batches/augment.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const source = makeRandom(1);
const noiseOf = (side: number) => Uint8Array.from({ length: side * side * 3 }, () => source.int(256));
const noise = noiseOf(64);
const white = new Uint8Array(64 * 64 * 3).fill(255);
/** A dark disc in the middle: its place, size and ink tell what was done. */
const disc = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
  const [x, y] = [(Math.floor(i / 3) % 64) - 31.5, Math.floor(i / 192) - 31.5];
  return x * x + y * y < 200 ? 105 : 255;
});
const none = augmentationNamed('none');
/** Noise on a ground of its own: a frame of one pixel. */
const GROUND = [240, 180, 30];
const framed = noise.map((value, i) => {
  const [x, y] = [Math.floor(i / 3) % 64, Math.floor(i / 192)];
  return x % 63 === 0 || y % 63 === 0 ? GROUND[i % 3]! : value;
});

/** N views of one picture at `size`, each as its own array. */
function viewsOf(picture: Uint8Array, count: number, augmentation: Augmentation, options: Partial<typeof usual> = {}) {
  const { side, size, seed, group } = { ...usual, ...options };
  const out = new Float32Array(count * size * size * 3);
  const plan = {
    pictures: new Int32Array(count),
    groups: Int32Array.from({ length: count }, (_, row) => group(row)),
    seed,
  };
  fillBatch(plan, () => picture, side, out, size, augmentation);
  return Array.from({ length: count }, (_, row) => out.slice(row * size * size * 3, (row + 1) * size * size * 3));
}
const usual = { side: 64, size: 32, seed: 1, group: (_row: number) => -1 };

/** Overlap of each result pixel with each source pixel, one by one. */
function meanByOverlap(picture: Uint8Array, side: number, size: number): number[] {
  const overlap = (i: number, pixel: number) =>
    Math.max(0, Math.min(((i + 1) * side) / size, pixel + 1) - Math.max((i * side) / size, pixel)) / (side / size);
  return Array.from({ length: size * size * 3 }, (_, at) => {
    const [c, x, y] = [at % 3, Math.floor(at / 3) % size, Math.floor(at / 3 / size)];
    let sum = 0;
    for (let v = 0; v < side; v++) {
      for (let u = 0; u < side; u++) sum += overlap(y, v) * overlap(x, u) * picture[(v * side + u) * 3 + c]!;
    }
    return 1 - sum / 255;
  });
}

test.each([
  [64, 64],
  [64, 32],
  [64, 16],
  [64, 48],
  [30, 7],
  [45, 45],
])('the plain view is the exact mean of the area that a pixel covers: %i to %i px', (side, size) => {
  const picture = noiseOf(side);
  const viewed = new Float32Array(size * size * 3 + 2);
  view(picture, viewed, 1, size, side);
  meanByOverlap(picture, side, size).forEach((value, i) => {
    expect(viewed[1 + i]).toBeCloseTo(value, 5);
  });
  expect([viewed[0], viewed.at(-1)]).toEqual([0, 0]);
  const [filled] = viewsOf(picture, 1, none, { side, size });
  expect(filled).toEqual(viewed.slice(1, -1));
});

test('a larger view than the picture, or an array that does not fit, is refused', () => {
  expect(() => view(noise, new Float32Array(80 * 80 * 3), 0, 80)).toThrow('larger');
  const plan = { pictures: Int32Array.of(0), groups: Int32Array.of(-1), seed: 1 };
  expect(() => fillBatch(plan, () => noise, 64, new Float32Array(5), 32, none)).toThrow('does not fit');
});

test('a tiny change is nearly the plain view, so that nothing is turned or moved by accident', () => {
  const [plain] = viewsOf(noise, 1, none);
  const tiny = { ...none, scale: 1e-7, aspect: 1e-7, rotation: 1e-5, shift: 1e-7, brightness: 1e-7, channel: 1e-7 };
  for (const changed of viewsOf(noise, 10, tiny)) {
    changed.forEach((value, i) => {
      expect(value).toBeCloseTo(plain![i]!, 4);
    });
  }
});

test.each(augmentationNames)('the background stays white and ink stays in [0, 1]: %s', (name) => {
  const augmentation = augmentationNamed(name);
  for (const changed of viewsOf(white, 50, augmentation, { group: (row) => row })) {
    expect(changed.every((value) => value === 0)).toBe(true);
  }
  for (const changed of viewsOf(noise, 50, augmentation, { group: (row) => row })) {
    expect(changed.every((value) => value >= 0 && value <= 1)).toBe(true);
  }
});

test('place, size and colour vary in the ranges that are promised', () => {
  const seen = viewsOf(disc, 600, augmentationNamed('mild')).map((out) => {
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

/** The plain view of `framed` moved by whole pixels; what comes in is its ground. */
function moved(plain: Float32Array, size: number, dx: number, dy: number): number[] {
  return Array.from({ length: size * size * 3 }, (_, at) => {
    const [c, x, y] = [at % 3, (Math.floor(at / 3) % size) + dx, Math.floor(at / 3 / size) + dy];
    return x < 0 || y < 0 || x >= size || y >= size ? 1 - GROUND[c]! / 255 : plain[(y * size + x) * 3 + c]!;
  });
}

test("the paper's augmentation shifts by whole pixels of the result up to a sixteenth of the side, and does nothing else", () => {
  const [plain] = viewsOf(framed, 1, none);
  const shifts = new Set<string>();
  for (const shifted of viewsOf(framed, 400, augmentationNamed('paper'))) {
    const found = [-2, -1, 0, 1, 2].flatMap((dx) =>
      [-2, -1, 0, 1, 2].flatMap((dy) =>
        moved(plain!, 32, dx, dy).every((value, i) => Math.abs(value - shifted[i]!) < 1e-5) ? [`${dx} ${dy}`] : [],
      ),
    );
    expect(found).toHaveLength(1);
    shifts.add(found[0]!);
  }
  expect(shifts.size).toBe(25);
});

test('flips, grey and erased patches come in the share that is asked for', () => {
  const share = (augmentation: Augmentation, picture: Uint8Array, is: (out: Float32Array) => boolean) =>
    viewsOf(picture, 2000, augmentation, { size: 16 }).filter(is).length / 2000;
  const half = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 64 < 20 ? 0 : 255));
  expect(share({ ...none, flip: 0.15 }, half, (out) => out[0] === 0)).toBeCloseTo(0.15, 1);
  const isGrey = (out: Float32Array) => out.every((value, i) => Math.abs(value - out[i - (i % 3)]!) < 1e-6);
  expect(share({ ...none, grey: 0.2 }, noise, isGrey)).toBeCloseTo(0.2, 1);
  const { black, erased } = blackOnWhite;
  expect(share({ ...none, erase: 0.3 }, black, (out) => erased(out) > 0)).toBeCloseTo(0.3, 1);
  const patches = viewsOf(black, 2000, { ...none, erase: 1 }).map(erased);
  // 2 to 9 px of 32, rounded at both ends.
  expect(Math.min(...patches)).toBeGreaterThanOrEqual(1);
  expect(Math.min(...patches)).toBeLessThan(9);
  expect(Math.max(...patches)).toBeGreaterThan(64);
  expect(Math.max(...patches)).toBeLessThanOrEqual(100);
});

/** All black but for a white frame of one pixel, the ground; how many pixels of a view within the frame are ground. */
const blackOnWhite = {
  black: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 64, Math.floor(i / 192)];
    return x % 63 === 0 || y % 63 === 0 ? 255 : 0;
  }),
  erased: (out: Float32Array) => out.filter((value) => value === 0).length / 3,
};

test('what a turn or an erased patch uncovers is the ground of the picture itself, in its changed colours', () => {
  const even = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => GROUND[i % 3]!);
  const thing = even.map((value, i) =>
    Math.abs((Math.floor(i / 3) % 64) - 32) < 8 && i > 4000 && i < 9000 ? 0 : value,
  );
  const colours = { brightness: 0.4, channel: 0.2, grey: 0.3, identity: { turn: 0.5, mirror: 0.5, channels: 0.5 } };
  const augmentation = { ...augmentationNamed('catalog'), ...colours, erase: 1 };
  for (const out of viewsOf(even, 100, augmentation, { group: (row) => row })) {
    expect(out.every((value, i) => Math.abs(value - out[i % 3]!) < 1e-6)).toBe(true);
  }
  const corners = [0, 31, 31 * 32, 1023];
  for (const out of viewsOf(thing, 100, { ...augmentationNamed('mild'), brightness: 0, channel: 0, grey: 0 })) {
    const isGround = (pixel: number) =>
      GROUND.every((value, c) => Math.abs(out[pixel * 3 + c]! - 1 + value / 255) < 1e-5);
    expect(corners.every(isGround)).toBe(true);
  }
});

/** All 8 turns and mirrors of a square with all 6 orders of its channels. */
function identitiesOf(plain: Float32Array, size: number): Float32Array[] {
  const turns: ((x: number, y: number) => [number, number])[] = [
    (x, y) => [x, y],
    (x, y) => [y, size - 1 - x],
    (x, y) => [size - 1 - x, size - 1 - y],
    (x, y) => [size - 1 - y, x],
  ];
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  return turns.flatMap((turn) =>
    [false, true].flatMap((mirrored) =>
      orders.map((order) =>
        Float32Array.from({ length: size * size * 3 }, (_, at) => {
          const [x, y] = turn(Math.floor(at / 3) % size, Math.floor(at / 3 / size));
          return plain[(y * size + (mirrored ? size - 1 - x : x)) * 3 + order[at % 3]!]!;
        }),
      ),
    ),
  );
}

test('identity transforms turn by quarters, mirror and reorder channels, alike for a group and never for -1', () => {
  const augmentation = { ...none, identity: { turn: 0.5, mirror: 0.5, channels: 0.5 } };
  const size = 8;
  const [plain] = viewsOf(noise, 1, none, { size });
  const known = identitiesOf(plain!, size);
  const kindOf = (out: Float32Array) => {
    const kinds = known.flatMap((one, kind) =>
      one.every((value, i) => Math.abs(value - out[i]!) < 1e-5) ? [kind] : [],
    );
    expect(kinds).toHaveLength(1);
    return kinds[0]!;
  };
  const rows = viewsOf(noise, 3000, augmentation, { size, group: (row) => (row < 20 ? -1 : row >> 1) }).map(kindOf);
  expect(rows.slice(0, 20).every((kind) => kind === 0)).toBe(true);
  const grouped = rows.slice(20);
  for (let row = 0; row < grouped.length; row += 2) expect(grouped[row]).toBe(grouped[row + 1]);
  expect(new Set(grouped).size).toBe(48);
  const untouched = grouped.filter((kind) => kind === 0).length / grouped.length;
  expect(untouched).toBeGreaterThan(0.1);
  expect(untouched).toBeLessThan(0.15);
});

test('an identity transform comes before everything else: the shift of a row does not turn with it', () => {
  const identity = { turn: 1, mirror: 0, channels: 0 };
  const shifted = viewsOf(framed, 30, { ...none, pixelShift: 1 / 16 }, { seed: 7, group: () => 3 });
  const both = viewsOf(framed, 30, { ...none, pixelShift: 1 / 16, identity }, { seed: 7, group: () => 3 });
  const [turned] = viewsOf(framed, 1, { ...none, identity }, { seed: 7, group: () => 3 });
  const [plain] = viewsOf(framed, 1, none);
  const shiftOf = (from: Float32Array, to: Float32Array) =>
    [-2, -1, 0, 1, 2].flatMap((dx) =>
      [-2, -1, 0, 1, 2].flatMap((dy) =>
        moved(from, 32, dx, dy).every((value, i) => Math.abs(value - to[i]!) < 1e-5) ? [`${dx} ${dy}`] : [],
      ),
    );
  both.forEach((out, row) => {
    const shift = shiftOf(turned!, out);
    expect(shift).toHaveLength(1);
    expect(shift).toEqual(shiftOf(plain!, shifted[row]!));
  });
});

test('a batch follows from its plan alone: rows do not depend on their neighbours, and other seeds give other views', () => {
  const catalog = augmentationNamed('catalog');
  const rows = viewsOf(noise, 8, catalog, { group: (row) => row % 2 });
  expect(viewsOf(noise, 8, catalog, { group: (row) => row % 2 })).toEqual(rows);
  expect(viewsOf(noise, 3, catalog, { group: (row) => row % 2 })).toEqual(rows.slice(0, 3));
  expect(new Set(rows.map((row) => row.join())).size).toBe(8);
  expect(viewsOf(noise, 8, catalog, { group: (row) => row % 2, seed: 2 })[0]).not.toEqual(rows[0]);
});

test('dropout keeps the share it says, scaled up, and is the same for the same plan only', () => {
  const layers = [
    { name: 'a.drop6', length: 50, keep: 0.6 },
    { name: 'a.drop7', length: 50, keep: 0.6 },
    { name: 'b.drop', length: 7, keep: 0.9 },
  ];
  const masks = drawMasks({ seed: 5 }, layers, 400);
  expect(Object.keys(masks)).toEqual(['a.drop6', 'a.drop7', 'b.drop']);
  for (const { name, length, keep } of layers) {
    const mask = masks[name]!;
    expect(mask).toHaveLength(400 * length);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / keep)]));
    const deviation = Math.sqrt((keep * (1 - keep)) / mask.length);
    expect(Math.abs(mask.filter((value) => value > 0).length / mask.length - keep)).toBeLessThan(4 * deviation);
  }
  expect(masks['a.drop6']).not.toEqual(masks['a.drop7']);
  expect(drawMasks({ seed: 5 }, layers, 400)).toEqual(masks);
  expect(drawMasks({ seed: 6 }, layers, 400)['b.drop']).not.toEqual(masks['b.drop']);
});

test('a picture view is a picture: strength 0 copies, others differ, white stays white', () => {
  expect(augmentPicture(noise, makeRandom(1), 0)).toEqual(noise);
  const changed = augmentPicture(noise, makeRandom(1), 1);
  expect(changed).toHaveLength(64 * 64 * 3);
  expect(changed).not.toEqual(noise);
  expect(augmentPicture(noise, makeRandom(1), 1)).toEqual(changed);
  expect(augmentPicture(white, makeRandom(1), 1)).toEqual(white);
  const small = noiseOf(20);
  expect(augmentPicture(small, makeRandom(1), 0, 20)).toEqual(small);
});

test('an unknown augmentation is refused with the names there are', () => {
  expect(() => augmentationNamed('wild')).toThrow('none, paper, mild, catalog');
  expect(() => augmentationNamed('toString')).toThrow('choose one of');
});
