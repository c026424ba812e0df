import type { JobKind, JobRow } from 'simili/internal/db/jobs';
import { enqueuePhase } from 'simili/internal/jobs/enqueue';
import type { WorkerContext } from '../context.ts';
import { FEWEST_PRODUCTS, type ModelKind } from '../evidence/training-set.ts';
import { SHORT_WAIT } from './retry-plan.ts';
import { unlessOneRuns } from './unless-one-runs.ts';

/** Products with a decoded picture that make a good first model although more are on their way. */
const PLENTY = 2000;
/** When no picture was decoded for so long, those that were tried already (their hosts ask for patience) are not waited for. */
const QUIET_SECONDS = 15;
/** Nor, after so long, those in their first try: a slow machine decodes one in this time, and the claim of a worker that died is over. */
const QUIET_UNTRIED_SECONDS = 120;
/** Without any model the shop has no answers: that job is tried again and again, if slowly. */
const AGAIN_AFTER_MS = 60_000;
/** A first training that somebody cancelled, or that failed, is not begun again under their eyes. */
const NETWORK_AGAIN_AFTER_MS = 3_600_000;

export type Shop = {
  serving: boolean;
  /** Any network was ever trained, promoted or not. */
  network: boolean;
  /** Products with a decoded picture; counted up to PLENTY. */
  products: number;
  pending: number;
  /** Some of them are in their first try, or about to be. */
  untried: boolean;
  /** Since a picture was decoded last. */
  quietSeconds: number;
  /** The newest job of the kind that is due. */
  last: Pick<JobRow, 'state' | 'error' | 'updatedAt'> | null;
};

/**
 * A shop's first answers come from hand-made features, its first network follows by itself; later ones are asked for.
 * @returns null: nothing is due now
 */
export function dueFirstModel(shop: Shop, now: Date): JobKind | null {
  const { serving, network, products, last } = shop;
  const kind: ModelKind = serving ? 'NETWORK' : 'GOLDEN';
  if (kind === 'NETWORK' && network) return null;
  if (products < FEWEST_PRODUCTS[kind]) return null;
  if (products < PLENTY && moreWillCome(shop)) return null;
  return last && now.getTime() - last.updatedAt.getTime() < pauseAfter(kind, last) ? null : jobKindOf(kind);
}

/** Whether pictures that are pending are worth waiting for. */
const moreWillCome = ({ pending, untried, quietSeconds }: Shop): boolean =>
  pending > 0 && quietSeconds < (untried ? QUIET_UNTRIED_SECONDS : QUIET_SECONDS);

/** Milliseconds before another try; a catalog that was too small is looked at again soon. */
function pauseAfter(kind: ModelKind, { state, error }: NonNullable<Shop['last']>): number {
  const tooSmall = state === 'FAILED' && (error as { code?: string } | null)?.code === 'CATALOG_TOO_SMALL';
  return kind === 'GOLDEN' || tooSmall ? AGAIN_AFTER_MS : NETWORK_AGAIN_AFTER_MS;
}

const jobKindOf = (kind: ModelKind): JobKind => (kind === 'GOLDEN' ? 'BOOTSTRAP' : 'RETRAIN');

export async function startFirstModels({ repositories, queue }: WorkerContext): Promise<void> {
  const { jobs, models, images } = repositories;
  if (await jobs.running()) return;
  const serving = (await models.serving()) !== null;
  const network = serving && (await models.anyOfKind('NETWORK'));
  if (network) return;
  const [{ pending }, decoded] = [await images.counts(), await images.decoded(PLENTY)];
  const untried = await images.hasUntried(SHORT_WAIT);
  const last = await jobs.last(jobKindOf(serving ? 'NETWORK' : 'GOLDEN'));
  const kind = dueFirstModel({ serving, network, pending, untried, ...decoded, last }, repositories.clock.now());
  if (!kind) return;
  await unlessOneRuns(async () => {
    await enqueuePhase(queue, await jobs.create(kind, { reason: 'first model of this catalog' }, 'simili'));
  });
}
