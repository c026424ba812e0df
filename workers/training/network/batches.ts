import type { BatchSource } from '@simili/learning/batches/batch';
import { type IdentityLoss, identityBatches } from '@simili/learning/batches/identity-batches';
import { labelledBatches } from '@simili/learning/batches/labelled-batches';
import { seedFrom } from '@simili/learning/numbers/seed';
import type { Objective } from '@simili/learning/recipes/recipe';
import type { Fit } from '../fit.ts';
import { chosenTogether } from '../triplets/clicks.ts';
import { tripletSource } from './triplet-source.ts';

/** Relevance above which two items of a category are too alike to be pushed apart. */
const ALIKE = 0.3;

/** Which part of a training over several machines: every member of every round has batches of its own. */
export type Part = { readonly round: number; readonly member: number };

/** Batches of the ranking loss that the recipe asks for, from training products, golden relevance and clicks. */
export function rankingSource(fit: Fit, part?: Part): BatchSource {
  const { objective } = fit.recipe;
  const seed = part ? seedFrom(fit.seed, part.round, part.member) : fit.seed;
  return objective.kind === 'tripletHinge' ? tripletSource(fit, objective, seed) : identities(fit, objective, seed);
}

/** Batches for the softmax before the ranking; null where there are no two categories. */
export const labelsSource = ({ set, seed, recipe: { rows } }: Fit) => labelledBatches({ catalog: set, rows, seed });

function identities(
  { set, recipe, golden, clicks, categories: { taught } }: Fit,
  objective: Exclude<Objective, { kind: 'tripletHinge' }>,
  seed: number,
) {
  const { views, ...loss } = objective;
  return identityBatches({
    catalog: set,
    rows: recipe.rows,
    views,
    seed,
    loss: loss as IdentityLoss,
    related: chosenTogether(clicks),
    ...(taught && { taught }),
    neutral: { relevance: golden.relevance, above: ALIKE },
  });
}
