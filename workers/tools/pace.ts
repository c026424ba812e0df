import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits between two pieces of work that nobody waits for, where others want the machine. @throws the signal's reason */
export type Pace = (signal: AbortSignal) => Promise<void>;

/** The part of a context that may have a pace; without one, work is as fast as it goes. */
export type Paced = { readonly pace?: Pace | undefined };

/** Work that somebody waits for. */
export const atOnce: Pace = async () => {};

/** Time of all processors since the machine started, ms: `busy` with processes that are not niced, and `all` of it. */
export type Processors = { busy: number; all: number };
export type Machine = {
  /** ms */
  now(): number;
  processors(): Processors;
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
};

/** Shorter work than this is not looked at: processor time is counted in hundredths of a second. */
const LEAST_WORK_MS = 100;
/** Share of the processors that is busy while we work, from which on somebody may be waiting for one. */
const FULL = 0.75;
const LOOK_MS = 100;
/** Share that is busy while we rest, from which on others could use what we would take. */
const WANTED = 0.6;
/** Where nobody wants it we look again after this: a hundredth of the time at most. */
const ALONE_MS = 10_000;
/** Rest, in multiples of the work before it. */
const REST_TIMES = 2;
const LONGEST_REST_MS = 2000;

/**
 * A pace that leaves two thirds of its time to others where these fill the machine, and works on where they do not. Who is busy cannot be seen while
 * we are busy ourselves: so it looks while it rests for a moment, and then rests twice as long as it has worked.
 *
 * It sees the machine that it runs on. What it costs a database elsewhere is little: a batch is a few statements.
 */
export function unhurried(machine: Machine = THIS_MACHINE): Pace {
  const mark = () => ({ at: machine.now(), processors: machine.processors() });
  let since = mark();
  let aloneUntil = Number.NEGATIVE_INFINITY;
  const step = async (signal: AbortSignal) => {
    const worked = mark();
    if (worked.at - since.at < LEAST_WORK_MS) return;
    if (busyShare(since, worked) >= FULL && worked.at >= aloneUntil) {
      await machine.wait(LOOK_MS, signal);
      const looked = mark();
      if (busyShare(worked, looked) < WANTED) aloneUntil = looked.at + ALONE_MS;
      else await machine.wait(Math.min(REST_TIMES * (worked.at - since.at), LONGEST_REST_MS) - LOOK_MS, signal);
    }
    since = mark();
  };
  let turn = Promise.resolve();
  return (signal) => {
    const next = turn.then(() => step(signal)); // one rest for all that come meanwhile
    turn = next.catch(() => {});
    return next;
  };
}

type Mark = { processors: Processors };

/** 0 where the system does not tell. */
function busyShare({ processors: before }: Mark, { processors: after }: Mark): number {
  const all = after.all - before.all;
  return all > 0 ? (after.busy - before.busy) / all : 0;
}

/** The one that it runs on. */
export const THIS_MACHINE: Machine = {
  now: () => performance.now(),
  processors() {
    const sum = { busy: 0, all: 0 };
    for (const { times } of cpus()) {
      const busy = times.user + times.sys + times.irq;
      sum.busy += busy;
      sum.all += busy + times.nice + times.idle;
    }
    return sum;
  },
  async wait(ms, signal) {
    await sleep(ms, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
  },
};
