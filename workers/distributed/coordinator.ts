import { setTimeout as sleep } from 'node:timers/promises';
import type { NewRound, Round, RoundKey, ShardResult } from 'simili/internal/db/rounds';
import { SimiliError } from 'simili/internal/errors';
import type { ClaimedRun } from '../jobs/claimed.ts';
import { sha256 } from '../tools/sha256.ts';
import type { Asked } from '../training/engine-client.ts';
import type { TrainingEvent, TrainingRequest, TrainingResult } from '../training/protocol.ts';
import { decide } from './gather.ts';
import { memberOf } from './member.ts';
import { mergeResults } from './merge.ts';
import type { RoundContext } from './ports.ts';

type Request = Asked<TrainingRequest>;
type OnEvent = (event: TrainingEvent) => Promise<void>;

/** Fewer would be one long round, where a lost member costs much and the members drift apart. */
const FEWEST_ROUNDS = 10;
/** Until a round has shown how long a shard takes. */
const FIRST_EXPECTED_MS = 30_000;
const LOOK_MS = 100;
/** Progress before the first round, and after the last one (workers/training/fit.ts). */
const BEGUN = 0.1;
const ROUNDS_DONE = 0.95;

/**
 * Trains over several machines by local SGD (docs/adr/0006): round by round every member trains some steps from the same
 * weights on batches of its own, and the mean of what they report is where the next round starts. The caller holds the
 * job's TRAIN phase; who takes the shards is any worker of the queue `round`, this one included. Goes on from the open
 * round of a coordinator that is gone.
 * @param machines shards of a round
 * @throws SimiliError TRAINING_DIVERGED; ClaimLost; the signal's reason when aborted.
 */
export async function trainInRounds(
  context: RoundContext,
  { claim, signal }: Pick<ClaimedRun, 'claim' | 'signal'>,
  { request, machines }: { request: Request; machines: number },
  onEvent: OnEvent,
): Promise<TrainingResult> {
  const member = memberOf(context);
  const { rounds } = context.repositories;
  const progressOnly: OnEvent = async (event) => (event.type === 'progress' ? onEvent(event) : undefined);
  let round =
    (await resumed(context, claim, request, signal)) ??
    (await rounds.open(claim, await firstRound(context, { request, machines }, signal, progressOnly)));
  member.hold({ jobId: claim.job.id, fence: claim.fence }, request);
  try {
    while (round.firstStep < round.totalSteps) {
      const startedAt = performance.now();
      const key: RoundKey = { jobId: claim.job.id, round: round.round, fence: claim.fence };
      await offer(context, key, round.members);
      const results = await gather(context, key, round, request, signal);
      const { step, loss, activeShare, ...merged } = mergeResults(results);
      round = await rounds.open(claim, nextRound(round, { step, ...merged }, results));
      await onEvent({ type: 'loss', step, loss, activeShare });
      await onEvent(progressOf(round, results.length, performance.now() - startedAt));
    }
    const { state, members, pictures } = round;
    const result = await member.alone(() => context.trainer.finishRounds({ request, state }, signal, progressOnly));
    return { ...result, summary: { ...result.summary, pictures, machines: members, rounds: round.round } };
  } finally {
    member.release();
  }
}

async function firstRound(
  context: RoundContext,
  { request, machines }: { request: Request; machines: number },
  signal: AbortSignal,
  onEvent: OnEvent,
): Promise<NewRound> {
  const { alone } = memberOf(context);
  const { state, plannedSteps } = await alone(() => context.trainer.beginRounds(request, signal, onEvent));
  const rounds = Math.max(FEWEST_ROUNDS, Math.ceil(request.seconds / request.checkpointSeconds));
  const { preset, recipe, seconds, steps, seed } = request;
  return {
    round: 0,
    members: machines,
    firstStep: 0,
    totalSteps: plannedSteps,
    pictures: 0,
    steps: Math.ceil(plannedSteps / rounds),
    expectedMs: FIRST_EXPECTED_MS,
    settings: { preset, recipe, seconds, steps, seed },
    state,
    checksum: sha256(state),
  };
}

function nextRound(
  { fence: _, ...round }: Round,
  { step, state, pictures }: { step: number; state: Uint8Array; pictures: number },
  results: readonly { tookMs: number }[],
): NewRound {
  const took = results.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return {
    ...round,
    round: round.round + 1,
    firstStep: step,
    state,
    checksum: sha256(state),
    pictures: round.pictures + pictures,
    expectedMs: Math.ceil(took[took.length >> 1]!),
  };
}

/** The round of a coordinator that is gone; null where there is none, or it belongs to another catalog: start over. */
async function resumed(
  context: RoundContext,
  claim: ClaimedRun['claim'],
  request: Request,
  signal: AbortSignal,
): Promise<Round | null> {
  const round = await context.repositories.rounds.adopt(claim);
  if (!round || sha256(round.state) !== round.checksum) return null;
  const { state, totalSteps } = round;
  const nothing = { request, state, totalSteps, steps: 0, round: round.round, member: 0 };
  try {
    await memberOf(context).alone(() => context.trainer.round(nothing, signal, async () => {}));
    return round;
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'TRAINING_DIVERGED')) throw error;
    context.log.warn({ jobId: claim.job.id, round: round.round }, 'the catalog has changed: training starts over');
    return null;
  }
}

/** Ids and numbers only: the weights wait in Postgres. */
async function offer({ queue, repositories }: RoundContext, key: RoundKey, members: number): Promise<void> {
  const { catalog } = repositories;
  const payloads = Array.from({ length: members }, (_, member) => ({ ...key, catalog, member }));
  const name = `${catalog}-${key.jobId}-round-${key.fence}-${key.round}`;
  await queue.addFlow(
    { each: { name: 'round', payloads }, after: { name: 'gather', payload: { ...key, catalog } } },
    name,
  );
}

/** Waits for what can be expected of the members. @returns one result or more. */
async function gather(
  context: RoundContext,
  key: RoundKey,
  round: Round,
  request: Request,
  signal: AbortSignal,
): Promise<(ShardResult & { tookMs: number })[]> {
  const { rounds } = context.repositories;
  for (;;) {
    signal.throwIfAborted();
    const status = await rounds.status(key);
    // Another claim has the round: the heartbeat is about to abort the signal.
    const decision = status ? decide(status, round) : 'wait';
    if (decision === 'close') {
      const results = (await rounds.results(key)).filter(({ state, checksum }) => sha256(state) === checksum);
      if (results.length < round.members)
        context.log.warn({ ...key, reported: results.length, of: round.members }, 'a round lost a shard');
      if (results.length === 0) throw new Error('Every result of the round is damaged');
      return results;
    }
    if (typeof decision === 'object') {
      await memberOf(context).train({ ...key, member: decision.train }, async () => request, signal);
    } else await sleep(LOOK_MS, undefined, { signal });
  }
}

function progressOf(round: Round, reported: number, tookMs: number): TrainingEvent {
  const left = Math.ceil((round.totalSteps - round.firstStep) / round.steps);
  return {
    type: 'progress',
    done: BEGUN + (ROUNDS_DONE - BEGUN) * (round.firstStep / round.totalSteps),
    etaSeconds: Math.round((left * tookMs) / 1000),
    message: `Training the network: round ${round.round} of ${round.round + left}, ${reported} of ${round.members} shards`,
    engine: null,
  };
}
