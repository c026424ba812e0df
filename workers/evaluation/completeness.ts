import type { Coverage, EmbeddingRepository } from 'simili/internal/db/embeddings';
import { MAX_ATTEMPTS } from 'simili/internal/db/jobs';
import type { Gate } from 'simili/internal/db/models';
import { SimiliError } from 'simili/internal/errors';
import { QUICK_TRIES } from '../jobs/retry-plan.ts';

/**
 * How many of a shop's products a candidate can show: `missing` lack their vector though they were tried, and the rest is beside the version that
 * serves; null: none does.
 */
export type Completeness = { readonly missing: number; readonly beside: Coverage | null };

/** Share of the products that are shown now of which a candidate may have no vector, though their pictures may still come: some are always being replaced. */
const MOST_PENDING = 0.02;
/** The same, with those whose pictures cannot be had any more: however many these are, they do not leave a shop without answers. */
const MOST_LOST = 0.1;

/** @param eyes of the candidate (`eyeNamesOf`) */
export async function besideServing(
  embeddings: Pick<EmbeddingRepository, 'coverage'>,
  candidate: { readonly number: number },
  serving: { readonly number: number } | null,
  eyes: readonly string[],
): Promise<Coverage | null> {
  return serving && embeddings.coverage(candidate.number, serving.number, QUICK_TRIES, eyes);
}

export function completeGate({ missing, beside }: Completeness): Gate {
  const why = missing > 0 ? `${missing} products have no vector` : whyLost(beside);
  const reason = why ?? `every product with a picture has a vector${beside?.lost ? `, but ${told(beside)}` : ''}`;
  return { name: 'complete', passed: why === null, measured: true, reason };
}

/**
 * Vectors that are missing may come with time, as where a host of pictures wants to be left alone: then the job waits, as long as it has tries, before the
 * gates decide.
 * @throws SimiliError PICTURES_MISSING
 */
export function waitIfIncomplete(completeness: Completeness, { job }: { readonly job: { readonly attempts: number } }) {
  const { passed, reason: why } = completeGate(completeness);
  if (!passed && job.attempts < MAX_ATTEMPTS) throw new SimiliError('PICTURES_MISSING', { why });
}

function whyLost(beside: Coverage | null): string | null {
  if (beside === null) return null;
  const { served, lost, settled } = beside;
  return isMany(lost - settled, MOST_PENDING * served) || isMany(lost, MOST_LOST * served) ? told(beside) : null;
}

/** One may always be lost: a small shop is no reason to keep a version from serving for ever. */
const isMany = (count: number, most: number): boolean => count > Math.max(1, most);

const told = ({ served, lost, settled }: Coverage): string =>
  `${lost} of the ${served} products that are shown now have no vector${settled > 0 ? `, ${settled} of them as their pictures cannot be had or seen` : ''}`;
