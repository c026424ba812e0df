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
/** Rests together after which it is decided anew whether others want the machine: single ones are too short to tell. */
const RESTS_TO_TELL_MS = 500;
/** Where nobody wants it we look again after this: a hundredth of the time at most. */
const ALONE_MS = 10_000;
/** Rest, in multiples of the work before it. */
const REST_TIMES = 2;
const LONGEST_REST_MS = 2000;

/**
 * A pace that leaves two thirds of its time to others where these fill the machine, and works on where they do not. Who is busy cannot be seen while
 * we are busy ourselves: so it looks while it rests for a moment. As long as others want the machine it rests after each piece of work, twice as long as that took: short pieces with
 * short rests slow everybody a little, long ones stop those who come just then.
 *
 * It sees the machine that it runs on. What it costs a database elsewhere is little: a batch is a few statements.
 */
export function unhurried(machine: Machine = THIS_MACHINE): Pace {
  const mark = () => ({ at: machine.now(), processors: machine.processors() });
  let since = mark();
  let isWanted = false;
  let aloneUntil = Number.NEGATIVE_INFINITY;
  let seen = { ms: 0, busy: 0, all: 0 };
  /** @param toTell rests together that tell whether others want the machine, ms */
  const rest = async (ms: number, toTell: number, signal: AbortSignal) => {
    const before = mark();
    await machine.wait(ms, signal);
    const after = mark();
    const { busy, all } = passed(before, after);
    seen = { ms: seen.ms + after.at - before.at, busy: seen.busy + busy, all: seen.all + all };
    if (seen.ms < toTell) return;
    isWanted = shareOf(seen) >= WANTED;
    if (!isWanted) aloneUntil = after.at + ALONE_MS;
    seen = { ms: 0, busy: 0, all: 0 };
  };
  const step = async (signal: AbortSignal) => {
    const worked = mark();
    const ms = worked.at - since.at;
    const due = Math.min(REST_TIMES * ms, LONGEST_REST_MS);
    if (isWanted) await rest(due, RESTS_TO_TELL_MS, signal);
    else if (ms < LEAST_WORK_MS) return;
    else if (shareOf(passed(since, worked)) >= FULL && worked.at >= aloneUntil) {
      await rest(LOOK_MS, LOOK_MS, signal);
      if (isWanted) await rest(due - LOOK_MS, RESTS_TO_TELL_MS, signal);
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

const passed = ({ processors: before }: Mark, { processors: after }: Mark): Processors => ({
  busy: after.busy - before.busy,
  all: after.all - before.all,
});

/** 0 where the system does not tell. */
const shareOf = ({ busy, all }: Processors): number => (all > 0 ? busy / all : 0);

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
