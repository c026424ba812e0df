import { createHash } from 'node:crypto';
import { PICTURE_SIZE } from '@simili/learning/picture';
import type { Whitening } from '@simili/learning/whitening/whitening';
import type { TrainingRequest } from '../protocol.ts';

/** The map of a name, which is fitted where it is not known. */
export type MapOf = (name: string, fit: () => Whitening) => Whitening;
/** Maps that earlier trainings have fitted, for those that find the same catalog. */
export type KnownMaps = (request: Pick<TrainingRequest, 'set' | 'ratings' | 'seed'>) => MapOf;

/** Some 600 KB each; a training has five or seven. */
const MOST_KEPT = 16;

export const fitAnew: MapOf = (_name, fitNow) => fitNow();

/** Keeps the newest maps in memory: the first network of a catalog follows its first model, and most trainings find the pictures of the last. */
export function keepMaps(): KnownMaps {
  const kept = new Map<string, Whitening>();
  return (request) => {
    const catalog = catalogOf(request);
    return (name, fitNow) => {
      const key = `${catalog} ${name}`;
      const map = kept.get(key) ?? fitNow();
      kept.delete(key); // re-inserted last: the first is the one not used for longest
      kept.set(key, map);
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
      return map;
    };
  };
}

/** All that maps of frozen blocks follow from: choices of shoppers are no part of it. */
function catalogOf({ set, ratings, seed }: Parameters<KnownMaps>[0]): string {
  const hash = createHash('sha256');
  for (const column of [set.hashes, set.starts, set.categories, set.splits])
    hash.update(`${column.byteLength} `).update(column);
  const rest = [seed, set.pixels[PICTURE_SIZE], set.golden === undefined, set.encoded?.encoder, ratings];
  return hash.update(JSON.stringify(rest)).digest('hex');
}
