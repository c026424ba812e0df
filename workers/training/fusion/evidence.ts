import { isIn } from '@simili/learning/metrics/split';
import type { ChoiceSet } from '@simili/learning/relevance/choice-sets';
import { credibility, MOST_OF_FUSION } from '@simili/learning/relevance/credibility';
import type { WeightedTriplet } from '@simili/learning/relevance/relevance';
import { itemAt } from '../data/item-at.ts';
import type { TrainingSet } from '../protocol.ts';

/** Triplets of pictures by where they come from, and how much people have said. */
export type Evidence = {
  readonly structure: readonly WeightedTriplet[];
  readonly identity: readonly WeightedTriplet[];
  /** Answers of raters. */
  readonly people: readonly WeightedTriplet[];
  /** How many answers `people` is worth. */
  readonly choices: number;
  /** Choices of shoppers, by pictures. */
  readonly sets: readonly ChoiceSet[];
};

export const kindsOfEvidence = ['structure', 'identity', 'people'] as const;
export type KindOfEvidence = (typeof kindsOfEvidence)[number];

/**
 * Weight of each kind, in [0, 1]: people by their credibility; of the rest, identities have as much as categories.
 * A kind without triplets has none, so the sum is 1 wherever the catalog itself has some.
 */
export function trustIn({
  structure,
  identity,
  people,
  choices,
}: Record<KindOfEvidence, ArrayLike<unknown>> & { readonly choices: number }): Record<KindOfEvidence, number> {
  const byPeople = people.length > 0 ? credibility(choices, MOST_OF_FUSION) : 0;
  const isBoth = structure.length > 0 && identity.length > 0;
  const each = (1 - byPeople) / (isBoth ? 2 : 1);
  const having = (triplets: ArrayLike<unknown>) => (triplets.length > 0 ? each : 0);
  return { structure: having(structure), identity: having(identity), people: byPeople };
}

/** Those whose anchor is a validation product: the network never had it as an anchor. */
export function heldOut(set: TrainingSet, { structure, identity, people, choices, sets }: Evidence): Evidence {
  const isHeld = (picture: number): boolean => isIn(set, itemAt(set.starts, picture), 'val');
  const held = ({ q }: WeightedTriplet): boolean => isHeld(q);
  return {
    structure: structure.filter(held),
    identity: identity.filter(held),
    people: people.filter(held),
    choices,
    sets: sets.filter(({ anchor }) => isHeld(anchor)),
  };
}
