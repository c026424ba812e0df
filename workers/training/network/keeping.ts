import { createHash } from 'node:crypto';
import { GOLDEN } from '@simili/learning/features/golden';
import type { TrainingRequest } from '../protocol.ts';
import type { About } from './state.ts';

/** How the state of a network's training is kept, so that another process can go on with it. */
export type Keeping = Pick<TrainingRequest, 'checkpoint' | 'checkpointSeconds'> & {
  /** Fingerprint of the request: only the same one goes on from a checkpoint. */
  readonly fingerprint: string;
  readonly about: About;
};

export function keepingOf(request: TrainingRequest): Keeping {
  const { checkpoint, checkpointSeconds, preset, recipe, seed } = request;
  return { checkpoint, checkpointSeconds, fingerprint: fingerprintOf(request), about: { preset, recipe, seed } };
}

/**
 * SHA-256, hex, of all that a checkpoint's random state and weights count on: the same products, pictures, feedback, seed,
 * length and network. Not the number of processes: another machine may go on with what it has.
 */
export function fingerprintOf({ set, feedback, ratings, backbone, ...rest }: TrainingRequest): string {
  const { preset, recipe, seed, seconds, steps, sampling } = rest;
  const hash = createHash('sha256');
  const { anchors, items, positions, placements, impressions, clicks, values, placementNames } = feedback;
  // Columns as they are: as text, some millions of rows are longer than a string can be.
  const seen = [anchors, items, positions, placements, impressions, clicks, values];
  for (const column of [set.starts, set.hashes, set.categories, set.splits, ...seen]) hash.update(column);
  if (backbone) hash.update(backbone);
  if (rest.serving) hash.update(createHash('sha256').update(rest.serving).digest());
  if (set.encoded) hash.update(set.encoded.encoder.id);
  if (set.golden !== undefined) hash.update(GOLDEN.id);
  hash.update(JSON.stringify({ placementNames, ratings, preset, recipe, seed, seconds, steps, sampling }));
  return hash.digest('hex');
}
