/**
 * How a view of a picture may differ from it, as plain data. Ranges are drawn uniformly and symmetrically around "no
 * change"; shares are chances in [0, 1]. The paper (section 4) has random pixel shifts only; the rest is ours.
 */
export type Augmentation = {
  /** Largest change of the logarithm of the size. */
  readonly scale: number;
  /** Largest change of the logarithm of width over height, half of it to each. */
  readonly aspect: number;
  /** Degrees. */
  readonly rotation: number;
  /** Largest part of the side, in any fraction of a pixel. */
  readonly shift: number;
  /** Largest part of the side, rounded to whole pixels of the result, so that nothing is interpolated: the paper's. */
  readonly pixelShift: number;
  /** Share that is mirrored left to right. */
  readonly flip: number;
  /** Change of the ink of all channels, and of each channel's own. */
  readonly brightness: number;
  readonly channel: number;
  /** Share that loses its colour. */
  readonly grey: number;
  /** Share in which a patch is erased to the picture's ground; its width and height are 1/16 to 9/32 of the side each. */
  readonly erase: number;
  /**
   * New identities: all rows of one group are changed alike before anything else. Shares of the groups that are turned by
   * 90, 180 or 270 degrees, mirrored, and whose channels change places.
   */
  readonly identity: { readonly turn: number; readonly mirror: number; readonly channels: number };
};

const none: Augmentation = {
  scale: 0,
  aspect: 0,
  rotation: 0,
  shift: 0,
  pixelShift: 0,
  flip: 0,
  brightness: 0,
  channel: 0,
  grey: 0,
  erase: 0,
  identity: { turn: 0, mirror: 0, channels: 0 },
};

/** Choices of another photographer. */
const mild: Augmentation = {
  ...none,
  scale: 0.18,
  aspect: 0.08,
  rotation: 15,
  shift: 3 / 32,
  flip: 0.15,
  brightness: 0.2,
  channel: 0.12,
};

const named = {
  none,
  /** The paper's; it does not give the size of the shift. */
  paper: { ...none, pixelShift: 1 / 16 },
  mild,
  /** For catalogs of some hundred products (docs/quality.md). */
  catalog: {
    ...mild,
    brightness: 0.4,
    channel: 0.24,
    grey: 0.2,
    erase: 0.3,
    identity: { turn: 0.5, mirror: 0.5, channels: 0.5 },
  },
} as const satisfies Record<string, Augmentation>;

export type AugmentationName = keyof typeof named;
export const augmentationNames = Object.keys(named) as [AugmentationName, ...AugmentationName[]];

/** @throws Error that lists the names when there is no such augmentation. */
export function augmentationNamed(name: string): Augmentation {
  if (!Object.hasOwn(named, name)) {
    throw new Error(`There is no augmentation "${name}": choose one of ${augmentationNames.join(', ')}`);
  }
  return named[name as AugmentationName];
}

/** All ranges, and shares up to 1, times `strength` >= 0. The identity transforms stay as they are. */
export function ofStrength(augmentation: Augmentation, strength: number): Augmentation {
  const share = (value: number): number => Math.min(1, value * strength);
  const { scale, aspect, rotation, shift, pixelShift, flip, brightness, channel, grey, erase, identity } = augmentation;
  return {
    scale: scale * strength,
    aspect: aspect * strength,
    rotation: rotation * strength,
    shift: shift * strength,
    pixelShift: pixelShift * strength,
    flip: share(flip),
    brightness: brightness * strength,
    channel: channel * strength,
    grey: share(grey),
    erase: share(erase),
    identity,
  };
}
