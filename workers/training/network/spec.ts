import { presetNamed } from '@simili/learning/network/presets';
import { pictureSizeFor } from '@simili/learning/network/shapes';
import type { NetworkSpec } from '@simili/learning/network/spec';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { backboneSpec, inspectBackbone } from '../../engines/backbone.ts';

/** The network of a preset, with somebody's pretrained network in front where there is one. */
export function specFor(preset: string, backbone: Uint8Array | null): NetworkSpec {
  const spec = presetNamed(preset);
  return backbone ? backboneSpec(spec, inspectBackbone(backbone)) : spec;
}

/** Sides of the pictures that vectors with this network are computed from: the features' and the network's. */
export const sidesFor = ({ inputSize }: NetworkSpec): number[] => [
  ...new Set([PICTURE_SIZE, pictureSizeFor(inputSize)]),
];
