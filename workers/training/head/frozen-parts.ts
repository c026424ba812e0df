import { setImmediate as nextTurn } from 'node:timers/promises';
import { scaleToUnit } from '@simili/learning/features/unit';
import type { Block } from '@simili/learning/models/served-model';
import { applyBlock } from '@simili/learning/whitening/whitening';
import { frozenFeature } from '../features/frozen-feature.ts';
import type { Fit } from '../fit.ts';

/** Outputs of the frozen blocks for some pictures, computed once. */
export type FrozenParts = {
  /** m of each block. */
  readonly lengths: readonly number[];
  /** z of all blocks side by side: [sum of m]. @throws Error where the picture was not asked for. */
  of(picture: number): Float32Array;
};

/** Pictures between two looks at whether somebody wants to stop this. */
const AT_ONCE = 64;

/** Some 1.5 KB a picture. @param onDone called with the share that is done */
export async function frozenParts(
  fit: Fit,
  blocks: readonly Block[],
  pictures: Iterable<number>,
  onDone: (share: number) => void,
): Promise<FrozenParts> {
  const wanted = [...new Set(pictures)];
  const lengths = blocks.map(({ mean, projection }) => projection.length / mean.length);
  const width = lengths.reduce((sum, length) => sum + length, 0);
  const all = new Float32Array(wanted.length * width);
  const rows = new Map<number, number>();
  for (const [row, picture] of wanted.entries()) {
    if (row % AT_ONCE === 0) {
      onDone(row / wanted.length);
      await nextTurn(); // a cancel message can arrive
      fit.signal.throwIfAborted();
    }
    rows.set(picture, row);
    let at = row * width;
    for (const block of blocks) {
      const part = applyBlock(block, frozenFeature(block, picture, fit.handMade, fit.encoded));
      all.set(part, at);
      at += part.length;
    }
  }
  return {
    lengths,
    of: (picture) => {
      const row = rows.get(picture);
      if (row === undefined) throw new Error(`Picture ${picture} was not looked at`);
      return all.subarray(row * width, (row + 1) * width);
    },
  };
}

/** The vector that is served without a head. */
export function weighed(parts: FrozenParts, blocks: readonly Block[], picture: number): Float32Array {
  const out = parts.of(picture).slice();
  let at = 0;
  for (const [b, { weight }] of blocks.entries()) {
    const root = Math.sqrt(weight);
    for (let i = 0; i < parts.lengths[b]!; i++, at++) out[at] = out[at]! * root;
  }
  return scaleToUnit(out);
}
