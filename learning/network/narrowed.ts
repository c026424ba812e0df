import type { Layer, NetworkSpec } from './spec.ts';

/** Blocked convolutions take so many channels at once: fewer would cost as much. */
const UNIT = 16;

/**
 * The same network with a share of the channels in every convolution, rounded to multiples of 16 and at least that: its work falls
 * with the square of the share. A residual block keeps the channels that it adds to, so it is not for networks with those.
 * @param share in (0, 1]; 1 gives the network as it is
 * @throws Error when the network has a residual block.
 */
export function narrowed(spec: NetworkSpec, share: number): NetworkSpec {
  if (share === 1) return spec;
  const narrow = (layer: Layer): Layer => {
    if (layer.type === 'residual')
      throw new Error(`Network ${spec.name} has residual blocks, which cannot be narrowed`);
    if (layer.type !== 'conv') return layer;
    return { ...layer, filters: Math.max(UNIT, UNIT * Math.round((layer.filters * share) / UNIT)) };
  };
  const branches = spec.branches.map(({ paths }) => ({
    paths: paths.map((path) => ({ ...path, layers: path.layers.map(narrow) })),
  }));
  return { ...spec, branches };
}
