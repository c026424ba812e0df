import { isIn } from '@simili/learning/metrics/split';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import type { Fit } from './fit.ts';
import { itemAt } from './item-at.ts';
import { byPictures, type Evidence } from './mixture.ts';

/** Triplets of pictures: of the catalog's structure, of clicks and of raters. */
export function evidenceOf({ golden: { structure, identity, rated }, clicks, request: { set } }: Fit): Evidence {
  const people = [...byPictures(clicks.triplets, set), ...rated];
  return { structure, identity, people, choices: clicks.chosen + rated.length };
}

/** Those whose anchor is a validation product: the network never had it as an anchor. */
export function heldOut({ request: { set } }: Fit, { structure, identity, people, choices }: Evidence): Evidence {
  const held = ({ q }: WeightedTriplet): boolean => isIn(set, itemAt(set.starts, q), 'val');
  return { structure: structure.filter(held), identity: identity.filter(held), people: people.filter(held), choices };
}
