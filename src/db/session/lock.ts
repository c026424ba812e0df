import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { makePrivateFolder } from '../../private-files.ts';

type Holder = { pid: number; born: string; since: string };

/**
 * One process owns a data directory: PGlite does not notice a second one and both would diverge.
 * A lock whose process is gone is taken over, so a killed process needs no cleaning up.
 * @throws SimiliError DATA_DIR_LOCKED naming the holder; DATA_DIR_UNWRITABLE.
 * @returns release; removes the lock, and no other's.
 */
export function lockDataDir(dir: string, now: Date = new Date()): () => void {
  checkDataDir(dir);
  const path = join(dir, 'lock.json');
  const mine = join(dir, `lock.${process.pid}.tmp`);
  const text = JSON.stringify({ pid: process.pid, born: birthOf(process.pid), since: now.toISOString() });
  writeFileSync(mine, text);
  try {
    const holder = take(path, mine);
    if (holder) throw new SimiliError('DATA_DIR_LOCKED', { dir, pid: holder.pid, since: holder.since });
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (textOf(path) === text) rmSync(path, { force: true });
  };
}

/** Makes the folder where there is none, and tries to write in it. @throws SimiliError DATA_DIR_UNWRITABLE. */
export function checkDataDir(dir: string): void {
  const probe = join(dir, `write-check.${process.pid}.tmp`);
  try {
    makePrivateFolder(dir);
    writeFileSync(probe, '');
    rmSync(probe, { force: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SimiliError('DATA_DIR_UNWRITABLE', { dir, why: WHY[code ?? ''] ?? message });
  }
}

const WHY: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it is no folder',
  ENOSPC: 'the disk is full',
};

/** link() makes the whole, written file appear at once or fails: there is no half-made lock. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Links `mine` to `path`, unless a live process holds that.
 * @returns the live process: it has the lock, or is just taking it from a dead one.
 */
function take(path: string, mine: string): Holder | null {
  while (!tryLink(mine, path)) {
    const found = lookAt(path);
    const other = found === 'stale' ? removeStale(path, mine) : found;
    if (other) return other;
  }
  return null;
}

/**
 * Removes a stale lock under a lock of its own, and looks again under that: since it was found to be stale somebody else may have
 * taken it over, and his fresh one stays. Whoever dies meanwhile leaves a lock that is stale in its turn.
 * @returns a live process that is doing the same.
 */
function removeStale(path: string, mine: string): Holder | null {
  const guard = `${path}.stale`;
  const other = take(guard, mine);
  if (other) return other;
  try {
    if (lookAt(path) === 'stale') rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
  return null;
}

/** The live process that holds a lock; stale, when it is gone or the lock is damaged; null, when it was released in the meantime. */
function lookAt(path: string): Holder | 'stale' | null {
  const text = textOf(path);
  if (text === null) return null;
  try {
    const holder = JSON.parse(text) as Holder;
    return isAlive(holder) ? holder : 'stale';
  } catch {
    return 'stale';
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new SimiliError('DATA_DIR_UNWRITABLE', { dir: path, why: WHY[code ?? ''] ?? message });
  }
}

function isAlive({ pid, born }: Holder): boolean {
  if (pid === process.pid) return born === birthOf(process.pid); // in a container every process may be number 1
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return born === birthOf(pid);
}

/** Start time of a process in clock ticks since boot, where the system tells: process numbers are used again. */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
