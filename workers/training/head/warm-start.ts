import type { Block, HiddenLayer, ServedModel } from '@simili/learning/models/served-model';
import { leastSquaresMap } from '@simili/learning/numbers/least-squares';

/**
 * The maps of the head that serves, as maps of blocks that were fitted anew: of each the nearest in least squares, M with
 * M P_new = P_serving; null for a block that the version that serves has not, or not with this many directions. Maps that were learned
 * beside a hidden layer say little without it: they are for heads that have one, too.
 * @param hidden units of the head that is to be trained
 * @param blocks as they are fitted now
 * @param dimensions D of each
 */
export function servingMaps(
  serving: ServedModel | null,
  blocks: readonly Block[],
  dimensions: readonly number[],
  hidden: number,
): (Float32Array | null)[] {
  const served = serving && (hidden > 0 || !serving.hidden) ? serving.blocks : [];
  return blocks.map((block, b) => {
    const d = block.mean.length;
    const old = served.find(({ feature }) => feature === block.feature);
    const fits = old?.mean.length === d && old.projection.length === dimensions[b]! * d;
    return fits ? leastSquaresMap(block.projection, old.projection, d) : null;
  });
}

/** The hidden layer of the head that serves: it reads and writes the parts that `servingMaps` brings back. Null: none of this size. */
export function servingHidden(serving: ServedModel | null, units: number, length: number): HiddenLayer | null {
  const hidden = serving?.hidden;
  return hidden?.shift.length === units && hidden.inner.length === units * length ? hidden : null;
}
