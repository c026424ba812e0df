import type { DropoutLayer } from '../network/shapes.ts';
import { makeRandom, type Random } from '../numbers/random.ts';
import { seedFrom } from '../numbers/seed.ts';
import { PICTURE_SIZE, type Picture } from '../picture.ts';
import { type Augmentation, augmentationNamed, ofStrength } from '../pictures/augmentation.ts';
import { areaMean, type Change, resample } from '../pictures/resample.ts';
import type { BatchPlan } from './batch.ts';

export { type Augmentation, augmentationNamed, augmentationNames } from '../pictures/augmentation.ts';

/**
 * Writes the picture as the network reads it: float32 HWC [size, size, 3], ink = 1 - rgb/255 in [0, 1], each pixel the exact
 * mean of the area that it covers.
 * @param picture uint8 [side, side, 3]
 * @param offset where in `out` to begin
 * @throws Error when size > side
 */
export function view(picture: Picture, out: Float32Array, offset: number, size: number, side = PICTURE_SIZE): void {
  areaMean(picture, side, out, offset, size);
}

/** A view of the picture under the augmentation `mild`, as a picture: uint8 [side, side, 3]; strength 0 gives a copy. */
export function augmentPicture(picture: Picture, random: Random, strength: number, side = PICTURE_SIZE): Picture {
  const ink = new Float32Array(side * side * 3);
  const change = drawChange(ofStrength(augmentationNamed('mild'), strength), side, random);
  resample(picture, side, ink, 0, side, change);
  return Uint8Array.from(ink, (value) => Math.round(255 * (1 - value)));
}

/** Streams of `seedFrom`: rows, groups and dropout layers of one batch have random numbers of their own. */
const [ROWS, GROUPS, MASKS] = [1, 2, 3];

/**
 * The pictures of a batch, as the network reads them. All follows from the plan: whoever computes it, in whatever order,
 * gets the same.
 * @param pictureOf a picture by its index in the training set, uint8 [side, side, 3]
 * @param out float32 [N, size, size, 3]: ink in [0, 1]
 * @throws Error when size > side
 */
export function fillBatch(
  { pictures, groups, seed }: Pick<BatchPlan, 'pictures' | 'groups' | 'seed'>,
  pictureOf: (picture: number) => Uint8Array,
  side: number,
  out: Float32Array,
  size: number,
  augmentation: Augmentation,
): void {
  if (out.length !== pictures.length * size * size * 3) throw new Error('The batch does not fit its array');
  const plain = isNone(augmentation);
  const identities = new Map<number, Identity>();
  const identityOf = (group: number): Identity => {
    if (group < 0) return unchanged;
    const identity = identities.get(group) ?? drawIdentity(augmentation, makeRandom(seedFrom(seed, GROUPS, group)));
    identities.set(group, identity);
    return identity;
  };
  for (const [row, picture] of pictures.entries()) {
    const offset = row * size * size * 3;
    if (plain) areaMean(pictureOf(picture), side, out, offset, size);
    else {
      const change = drawChange(augmentation, size, makeRandom(seedFrom(seed, ROWS, row)));
      resample(pictureOf(picture), side, out, offset, size, changedFirst(identityOf(groups[row]!), change));
    }
  }
}

/**
 * Dropout masks of a batch, by layer name: [n, length], 1 / keep with chance `keep`, else 0.
 * @param layers as `dropoutLayers` (network/shapes.ts) lists them
 */
export function drawMasks(
  { seed }: Pick<BatchPlan, 'seed'>,
  layers: readonly DropoutLayer[],
  n: number,
): Record<string, Float32Array> {
  const masks = layers.map(({ name, length, keep }, i) => {
    const random = makeRandom(seedFrom(seed, MASKS, i));
    const mask = new Float32Array(n * length);
    for (let at = 0; at < mask.length; at++) if (random.next() < keep) mask[at] = 1 / keep;
    return [name, mask] as const;
  });
  return Object.fromEntries(masks);
}

const isNone = ({ identity, ...rest }: Augmentation): boolean =>
  [...Object.values(identity), ...Object.values(rest)].every((value) => value === 0);

/** @param size of the result, for shifts by whole pixels of it. */
function drawChange(augmentation: Augmentation, size: number, random: Random): Change {
  const within = (range: number): number => (2 * random.next() - 1) * range;
  const scale = Math.exp(within(augmentation.scale));
  const aspect = Math.exp(within(augmentation.aspect));
  const angle = (within(augmentation.rotation) * Math.PI) / 180;
  const mirror = random.next() < augmentation.flip ? -1 : 1;
  const most = Math.round(augmentation.pixelShift * size);
  const shift = (): number => within(augmentation.shift) + (random.int(2 * most + 1) - most) / size;
  const [shiftX, shiftY] = [shift(), shift()];
  const brightness = 1 + within(augmentation.brightness);
  const gain = (): number => Math.max(0, brightness * (1 + within(augmentation.channel)));
  const gains = [gain(), gain(), gain()] as const;
  const grey = random.next() < augmentation.grey;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [byX, byY] = [scale * aspect, scale / aspect];
  return {
    matrix: [byX * cos * mirror, -byX * sin, byY * sin * mirror, byY * cos],
    shift: [shiftX, shiftY],
    channels: [0, 1, 2],
    gains,
    grey,
    erased: random.next() < augmentation.erase ? drawPatch(random) : null,
  };
}

const [SHORTEST, LONGEST] = [1 / 16, 9 / 32];

function drawPatch(random: Random): [number, number, number, number] {
  const length = (): number => SHORTEST + random.next() * (LONGEST - SHORTEST);
  const [width, height] = [length(), length()];
  const [left, top] = [random.next() * (1 - width), random.next() * (1 - height)];
  return [left, top, left + width, top + height];
}

/** Turned by quarters after being mirrored; `channels` as in `Change`. */
type Identity = {
  readonly quarters: number;
  readonly mirrored: boolean;
  readonly channels: readonly [number, number, number];
};

const unchanged: Identity = { quarters: 0, mirrored: false, channels: [0, 1, 2] };

/** All orders of three channels but the usual one. */
const orders = [
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

function drawIdentity({ identity }: Augmentation, random: Random): Identity {
  return {
    quarters: random.next() < identity.turn ? 1 + random.int(3) : 0,
    mirrored: random.next() < identity.mirror,
    channels: random.next() < identity.channels ? orders[random.int(orders.length)]! : [0, 1, 2],
  };
}

/** The change of a picture that had been made another identity: the result's places go through `change`, then through that. */
function changedFirst({ quarters, mirrored, channels }: Identity, change: Change): Change {
  const turn = (x: number, y: number): [number, number] => {
    const [u, v] = [
      [x, y],
      [y, -x],
      [-x, -y],
      [-y, x],
    ][quarters] as [number, number];
    return [mirrored ? -u : u, v];
  };
  const [xx, xy, yx, yy] = change.matrix;
  const [axx, ayx] = turn(xx, yx);
  const [axy, ayy] = turn(xy, yy);
  return { ...change, matrix: [axx, axy, ayx, ayy], shift: turn(...change.shift), channels };
}
