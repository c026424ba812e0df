import { whyInstead } from '@simili/learning/recipes/recipe';
import { SimiliError } from 'simili/internal/errors';
import type { Fit } from './fit.ts';
import { rankingSource } from './network/batches.ts';
import { openFitMembers, pretrain, runPhase, startOfRanking } from './network/index.ts';
import { fingerprintOf } from './network/keeping.ts';
import type { Members } from './network/members/index.ts';
import { decodeState, encodeState, type TrainingState } from './network/state.ts';
import type { RoundRequest, RoundResult, TrainingEvent, TrainingRequest, TrainingResult } from './protocol.ts';
import { beginFit, fusedWithNetwork } from './train.ts';

/**
 * One training over several machines: local SGD. In every round each member trains from the same weights on batches of
 * its own, then the weights are averaged (by the coordinator, workers/distributed). What a round needs besides the
 * weights every member makes from the same request: features, triplets, engine. It is kept for the rounds that follow.
 */
type Session = { readonly fingerprint: string; readonly fit: Fit; readonly members: Members };
let session: Promise<Session> | null = null;

/** Nobody tells a member that the last round was the last: engine and processes that nothing asks for are freed. */
const IDLE_MS = 120_000;
let busy = 0;
let idle: NodeJS.Timeout | undefined;

export async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
  busy++;
  clearTimeout(idle);
  try {
    return await work();
  } finally {
    busy--;
    if (busy === 0) idle = setTimeout(() => void endRounds(), IDLE_MS).unref();
  }
}

/** @returns the state before the first round, and how many steps one machine like this one does in the request's time. */
export async function beginRounds(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<{ state: Uint8Array; plannedSteps: number }> {
  const { fit, members, fingerprint } = await sessionFor(request, signal, emit);
  const state = startOfRanking(fit, (await pretrain(fit, null, null))?.state.weights ?? null);
  const encoded = encodeState(state, fingerprint);
  if (state.totalSteps > 0) return { state: encoded, plannedSteps: state.totalSteps };
  const trial = decodeOf(encoded, fingerprint);
  await runPhase(fit, members, { state: trial, source: rankingSource(fit), keeping: null, untilStep: TRIAL_STEPS });
  return { state: encoded, plannedSteps: trial.totalSteps };
}

/** Enough for a training to see how long a step takes. */
const TRIAL_STEPS = 8;

/** @returns the state after this member's steps. */
export async function trainRound(
  { request, state: bytes, steps, totalSteps, round, member }: RoundRequest,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<RoundResult> {
  const { fit, members, fingerprint } = await sessionFor(request, signal, emit);
  const state = decodeOf(bytes, fingerprint);
  const first = state.step;
  Object.assign(state, { totalSteps, source: null });
  const source = rankingSource(fit, { round, member });
  await runPhase(fit, members, { state, source, keeping: null, untilStep: Math.min(totalSteps, first + steps) });
  const rows = (state.step - first) * fit.recipe.rows * members.count;
  return { state: encodeState(state, fingerprint), loss: state.loss, activeShare: state.activeShare, rows };
}

/** @param state after the last round. */
export async function finishRounds(
  { request, state: bytes }: { request: TrainingRequest; state: Uint8Array },
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<TrainingResult> {
  const { fit, members, fingerprint } = await sessionFor(request, signal, emit);
  const { weights, step, loss } = decodeOf(bytes, fingerprint);
  try {
    const instead = whyInstead(request.recipe, fit.recipe);
    return await fusedWithNetwork(fit, { weights, steps: step, keptStep: step, loss, counts: {} }, members, instead);
  } finally {
    await endRounds();
  }
}

/** Frees what is kept between rounds. */
async function endRounds(): Promise<void> {
  const ended = session;
  session = null;
  await (await ended?.catch(() => null))?.members.close();
}

async function sessionFor(
  request: TrainingRequest,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<Session> {
  const fingerprint = fingerprintOf(request);
  const kept = await session?.catch(() => null);
  if (kept?.fingerprint !== fingerprint) {
    await endRounds();
    session = openSession(request, fingerprint, signal, emit);
  }
  const { fit, members } = await (session as Promise<Session>);
  // A call has its own signal and listeners.
  return { fingerprint, members, fit: { ...fit, signal, emit } };
}

async function openSession(
  request: TrainingRequest,
  fingerprint: string,
  signal: AbortSignal,
  emit: (event: TrainingEvent) => void,
): Promise<Session> {
  const fit = await beginFit(request, signal, emit);
  return { fingerprint, fit, members: await openFitMembers(fit) };
}

function decodeOf(bytes: Uint8Array, fingerprint: string): TrainingState {
  const state = decodeState(bytes, fingerprint);
  if (state) return state;
  // The catalog as this machine sees it is not the coordinator's: its indices would mean other products.
  throw new SimiliError('TRAINING_DIVERGED', { step: 0, why: 'this worker sees another catalog than the coordinator' });
}
