import { setTimeout as sleep } from 'node:timers/promises';
import type { Shard } from 'simili/internal/db/rounds';
import { SimiliError } from 'simili/internal/errors';
import { sha256 } from '../tools/sha256.ts';
import type { Asked } from '../training/engine-client.ts';
import type { TrainingRequest } from '../training/protocol.ts';
import type { MakeRequest, RoundContext } from './ports.ts';

/** How soon a member notices that nobody wants its shard any more; cancel takes effect within this and a step. */
const LOOK_MS = 400;
/** A worker that cannot take part leaves the shard to others, and does not grab the next one at once. */
const STEP_BACK_MS = 3000;

/** This worker's part in trainings over several machines: it has one trainer, which does one thing at a time. */
export type Member = {
  /** Trains a shard and reports it. Does nothing where the round is closed or the shard reported. */
  train(shard: Shard, makeRequest: MakeRequest, signal: AbortSignal): Promise<void>;
  /** Runs `work` while the trainer does nothing else. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** The trainer holds what the rounds of this claim need. Whoever coordinates them trains with the same request as he began with. */
  hold(claim: RoundsOf, request: Asked<TrainingRequest>): void;
  /** Nobody needs it any more. */
  release(): void;
};

/** The rounds of one claim of a job: with the next one the training may start over, with another catalog. */
type RoundsOf = Pick<Shard, 'jobId' | 'fence'>;

/** State of a worker's one trainer, for whatever catalog. Claims of jobs are told apart by `keyOf`. */
type Desk = {
  last: Promise<unknown>;
  ready: string | null;
  made: { key: string; request: Promise<Asked<TrainingRequest>> } | null;
};
const desks = new WeakMap<RoundContext['trainer'], Desk>();

function deskOf({ trainer }: RoundContext): Desk {
  const known = desks.get(trainer) ?? { last: Promise.resolve(), ready: null, made: null };
  desks.set(trainer, known);
  return known;
}

/** The part of this worker in the trainings of the context's catalog: one trainer for all handlers and catalogs. */
export function memberOf(context: RoundContext): Member {
  const { trainer, repositories } = context;
  const desk = deskOf(context);
  const keyOf = ({ jobId, fence }: RoundsOf): string => `${repositories.catalog}/${jobId}/${fence}`;

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const next = desk.last.then(work);
    desk.last = next.catch(() => {});
    return next;
  };
  /** The catalog is collected once a claim, not once a shard. */
  const requestOf = async (shard: Shard, makeRequest: MakeRequest, signal: AbortSignal) => {
    const key = keyOf(shard);
    if (desk.made?.key !== key) desk.made = { key, request: makeRequest(signal) };
    const { request } = desk.made;
    return request.catch((error: unknown) => {
      desk.made = null;
      throw error;
    });
  };
  const run = async (shard: Shard, request: Asked<TrainingRequest>, signal: AbortSignal): Promise<void> => {
    const open = await repositories.rounds.find(shard);
    if (!open) return;
    const { state, checksum, totalSteps } = open;
    if (sha256(state) !== checksum) throw new Error(`The state of round ${shard.round} is damaged`);
    const { round, member } = shard;
    const common = { request, state, totalSteps, round, member };
    // Making ready takes long the first time. It goes on when the round is closed meanwhile: the next one has use for it.
    if (desk.ready !== keyOf(shard)) await trainer.round({ ...common, steps: 0 }, signal, ignore);
    desk.ready = keyOf(shard);
    if (!(await repositories.rounds.take(shard))) return;
    const result = await whileWanted(context, shard, signal, (wanted) =>
      trainer.round({ ...common, steps: open.steps }, wanted, ignore),
    );
    if (!result) return;
    const { rows: pictures, ...rest } = result;
    await repositories.rounds.report(shard, { ...rest, pictures, checksum: sha256(rest.state) });
  };
  return {
    alone,
    hold: (claim, request) => {
      desk.ready = keyOf(claim);
      desk.made = { key: desk.ready, request: Promise.resolve(request) };
    },
    release: () => {
      desk.ready = null;
      desk.made = null;
    },
    async train(shard, makeRequest, signal) {
      if (!(await repositories.rounds.isOpen(shard))) return;
      try {
        const request = await requestOf(shard, makeRequest, signal);
        await alone(() => run(shard, request, signal));
      } catch (error) {
        await repositories.rounds.giveBack(shard);
        const code = error instanceof SimiliError ? error.code : null;
        if (code === 'ENGINE_CRASHED') desk.ready = null;
        if (code === 'TRAINING_DIVERGED') desk.made = null; // it may be of a catalog that has changed
        if (!signal.aborted) await sleep(STEP_BACK_MS, undefined, { signal }).catch(() => {});
        throw error;
      }
    },
  };
}

const ignore = async (): Promise<void> => {};

/** @returns null when the shard was wanted no more before it was done. */
async function whileWanted<T>(
  { repositories, log }: RoundContext,
  shard: Shard,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const unwanted = new AbortController();
  const look = async (): Promise<void> => {
    const open = await repositories.rounds.isOpen(shard).catch((error: Error) => {
      log.warn({ err: error, ...shard }, 'round not seen');
      return true; // a database that is away for a moment ends no work
    });
    if (!open) unwanted.abort(new Error('The round is closed'));
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  try {
    return await work(AbortSignal.any([signal, unwanted.signal]));
  } catch (error) {
    if (unwanted.signal.aborted && !signal.aborted) return null;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
