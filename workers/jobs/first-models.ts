import type { JobKind, JobRow } from 'simili/internal/db/jobs';
import type { ModelRow } from 'simili/internal/db/models';
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
/** Another model of the same pictures, seen by the same encoder, becomes what the last one was: pauses double, up to this. */
const MOST_AGAIN_AFTER_MS = 6 * 3_600_000;
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
  /** Versions that were made while none serves: the gates refused them all. */
  refused: number;
  /** Pictures were decoded, or another encoder looks, since that job was begun. */
  changed: boolean;
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
  return last && now.getTime() - last.updatedAt.getTime() < pauseAfter(kind, last, shop) ? null : jobKindOf(kind);
}

/** Whether pictures that are pending are worth waiting for. */
const moreWillCome = ({ pending, untried, quietSeconds }: Shop): boolean =>
  pending > 0 && quietSeconds < (untried ? QUIET_UNTRIED_SECONDS : QUIET_SECONDS);

/** Milliseconds before another try; a catalog that was too small is looked at again soon. */
function pauseAfter(
  kind: ModelKind,
  { state, error }: NonNullable<Shop['last']>,
  { refused, changed }: Pick<Shop, 'refused' | 'changed'>,
): number {
  const tooSmall = state === 'FAILED' && (error as { code?: string } | null)?.code === 'CATALOG_TOO_SMALL';
  if (tooSmall || (kind === 'GOLDEN' && changed)) return AGAIN_AFTER_MS;
  if (kind === 'NETWORK') return NETWORK_AGAIN_AFTER_MS;
  return Math.min(AGAIN_AFTER_MS * 2 ** Math.max(0, refused - 1), MOST_AGAIN_AFTER_MS);
}

const jobKindOf = (kind: ModelKind): JobKind => (kind === 'GOLDEN' ? 'BOOTSTRAP' : 'RETRAIN');

export async function startFirstModels(context: WorkerContext): Promise<void> {
  const { repositories, queue } = context;
  const { jobs, models, images, clock } = repositories;
  if (await jobs.running()) return;
  const serving = (await models.serving()) !== null;
  const network = serving && (await models.anyOfKind('NETWORK'));
  if (network) return;
  const [{ pending }, decoded] = [await images.counts(), await images.decoded(PLENTY)];
  const untried = await images.hasUntried(SHORT_WAIT);
  const last = await jobs.last(jobKindOf(serving ? 'NETWORK' : 'GOLDEN'));
  const [newest = null] = serving ? [] : await models.list(1);
  const now = clock.now();
  const decodedAt = now.getTime() - 1000 * decoded.quietSeconds;
  const changed = last !== null && (decodedAt > last.createdAt.getTime() || isOtherEncoder(context, newest));
  const seen = { pending, untried, ...decoded };
  const kind = dueFirstModel({ serving, network, ...seen, last, refused: newest?.number ?? 0, changed }, now);
  if (!kind) return;
  await unlessOneRuns(async () => {
    await enqueuePhase(queue, await jobs.create(kind, { reason: 'first model of this catalog' }, 'simili'));
  });
}

/** Whether another encoder looks at pictures now than at those of a version; without one is another, too. */
function isOtherEncoder(
  { encoder }: Pick<WorkerContext, 'encoder'>,
  version: Pick<ModelRow, 'metrics'> | null,
): boolean {
  if (!version) return false;
  type Facts = { encoder?: { id: string }; withoutEncoder?: { id: string } };
  const { training = {} } = version.metrics as { training?: Facts };
  return (training.encoder ?? training.withoutEncoder)?.id !== encoder?.facts.id;
}
