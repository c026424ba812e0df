import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { makePrivateFolder } from '../../private-files.ts';

type Holder = { pid: number; born: string; since: string };

/**
 * One process owns a data directory: PGlite does not notice a second one and both would diverge.
 * A lock whose process is gone is taken over, so a killed process needs no cleaning up.
 * @throws SimiliError DATA_DIR_LOCKED naming the holder; DATA_DIR_UNWRITABLE.
 * @returns release; removes the lock.
 */
export function lockDataDir(dir: string, now: Date = new Date()): () => void {
  checkDataDir(dir);
  const path = join(dir, 'lock.json');
  const mine = join(dir, `lock.${process.pid}.tmp`);
  writeFileSync(mine, JSON.stringify({ pid: process.pid, born: birthOf(process.pid), since: now.toISOString() }));
  try {
    while (!tryLink(mine, path)) {
      const holder = readHolder(path);
      if (holder && isAlive(holder))
        throw new SimiliError('DATA_DIR_LOCKED', { dir, pid: holder.pid, since: holder.since });
      removeStale(path);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(path, { force: true });
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

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null; // released in the meantime, or damaged: nobody holds it
  }
}

/** Renamed first: of two processes that find a stale lock only one moves it away, and never the other's fresh one. */
function removeStale(path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch {
    // the other process was faster
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
