import { isDeepStrictEqual } from 'node:util';
import { decodeModel } from '@simili/learning/models/artefact';
import type { Block, HiddenLayer } from '@simili/learning/models/served-model';
import { withoutProxies } from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { leastSquaresMap } from '@simili/learning/numbers/least-squares';
import type { TrainingRequest } from './protocol.ts';

type Request = Pick<TrainingRequest, 'serving'>;

/**
 * Weights of the network that serves, as the start of another training; null where none of this very shape does. Proxies are
 * not among them: categories may be others by now.
 */
export function servingWeights({ serving }: Request, spec: NetworkSpec): Weights | null {
  const network = serving ? decodeModel(serving).network : null;
  if (!network || !isDeepStrictEqual(network.spec, withoutProxies(spec, {}).spec)) return null;
  return network.weights;
}

/**
 * The maps of the head that serves, as maps of blocks that were fitted anew: of each the nearest in least squares, M with
 * M P_new = P_serving; null for a block that the version that serves has not, or not with this many directions. Maps that were learned
 * beside a hidden layer say little without it: they are for heads that have one, too.
 * @param hidden units of the head that is to be trained
 * @param blocks as they are fitted now
 * @param dimensions D of each
 */
export function servingMaps(
  { serving }: Request,
  blocks: readonly Block[],
  dimensions: readonly number[],
  hidden: number,
): (Float32Array | null)[] {
  const model = serving ? decodeModel(serving) : null;
  const served = model && (hidden > 0 || !model.hidden) ? model.blocks : [];
  return blocks.map((block, b) => {
    const d = block.mean.length;
    const old = served.find(({ feature }) => feature === block.feature);
    const fits = old?.mean.length === d && old.projection.length === dimensions[b]! * d;
    return fits ? leastSquaresMap(block.projection, old.projection, d) : null;
  });
}

/** The hidden layer of the head that serves: it reads and writes the parts that `servingMaps` brings back. Null: none of this size. */
export function servingHidden({ serving }: Request, units: number, length: number): HiddenLayer | null {
  const hidden = serving ? decodeModel(serving).hidden : undefined;
  return hidden?.shift.length === units && hidden.inner.length === units * length ? hidden : null;
}
