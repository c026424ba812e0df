import { readFileSync } from 'node:fs';

/** Longest time on the clock, in multiples of the limit: a child that sleeps for ever does not work. */
const PATIENCE = 4;
/** Linux counts processor time in hundredths of a second for everybody who asks by /proc. */
const TICK_MS = 10;
/** A last look is not sooner: half of the rest, and half of that, would never end. Milliseconds. */
const LEAST_WAIT_MS = 50;

export type Work = {
  /** Milliseconds on the clock. */
  now(): number;
  /** Milliseconds of processor time that a process has used; null where the system does not tell. */
  usedMs(pid: number): number | null;
  after(ms: number, look: () => void): () => void;
};

/**
 * Calls `onOver` once a process has worked for `limitMs`, or that time has passed four times on the clock. On a busy
 * machine a niced child waits for a processor much of the time: that is no reason to give up what it works on. Where the
 * system does not tell what a process used, the clock alone counts.
 * @returns ends the watch.
 */
export function limitWork(
  pid: number | undefined,
  limitMs: number,
  onOver: () => void,
  { now, usedMs, after }: Work = system,
): () => void {
  const used = () => (pid === undefined ? null : usedMs(pid));
  const start = { at: now(), used: used() };
  let stop = () => {};
  const look = () => {
    const passed = now() - start.at;
    const total = used();
    const worked = start.used === null || total === null ? passed : total - start.used;
    const leftMs = Math.min(limitMs - worked, PATIENCE * limitMs - passed);
    if (leftMs <= 0) onOver();
    else stop = after(Math.max(leftMs, LEAST_WAIT_MS), look);
  };
  stop = after(limitMs, look);
  return () => stop();
}

const system: Work = {
  now: () => performance.now(),
  usedMs: processorTimeOf,
  after(ms, look) {
    const timer = setTimeout(look, ms);
    return () => clearTimeout(timer);
  },
};

function processorTimeOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold spaces: state is field 3 of proc(5), utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return TICK_MS * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return null;
  }
}
