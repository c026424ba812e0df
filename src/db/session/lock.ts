import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, linkSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { SimiliError } from '../../errors.ts';
import { makePrivateFolder, PRIVATE_FILE } from '../../private-files.ts';

/** `space`: in which process numbers mean something, a container's own; `socket`: the file at which the holder listens, for the others. */
type Holder = { pid: number; born: string; since: string; space?: string; socket?: string | undefined };

/**
 * One process owns a data directory: PGlite does not notice a second one and both would diverge.
 * A lock whose process is gone is taken over, so a killed process needs no cleaning up.
 * @throws SimiliError DATA_DIR_LOCKED naming the holder; DATA_DIR_UNWRITABLE.
 * @returns release; removes the lock, and no other's.
 */
export function lockDataDir(dir: string, now: Date = new Date()): () => void {
  checkDataDir(dir);
  const path = join(dir, 'lock.json');
  const own = randomUUID();
  const mine = join(dir, `lock.${own}.tmp`);
  const { socket, hangUp } = listen(dir, `lock.${own}.sock`);
  const { pid } = process;
  const text = JSON.stringify({ pid, born: birthOf(pid), since: now.toISOString(), space: SPACE, socket });
  try {
    writeFileSync(mine, text);
    const holder = take(path, mine);
    if (holder) throw new SimiliError('DATA_DIR_LOCKED', { dir, pid: holder.pid, since: holder.since });
  } catch (error) {
    hangUp();
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (textOf(path) === text) rmSync(path, { force: true });
    hangUp();
  };
}

/** The space of this process' number, where there are several: on Linux. */
const SPACE = spaceOfNumbers();

function spaceOfNumbers(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/**
 * Listens at a file: from another container the number of this process is nobody's, or somebody else's, but that it listens is heard there, too,
 * however busy it is. A disk may have no room for sockets: then it does not.
 */
function listen(dir: string, name: string): { socket?: string; hangUp(): void } {
  if (SPACE === '') return { hangUp() {} };
  const path = join(dir, name);
  const server = createServer((other) => other.destroy()).on('error', () => {});
  const folder = openSync(dir, 'r'); // by its number: a socket's path has room for about a hundred characters
  server.listen(`/proc/self/fd/${folder}/${name}`).unref();
  closeSync(folder);
  if (!server.listening) return { hangUp() {} };
  chmodSync(path, PRIVATE_FILE);
  return {
    socket: name,
    hangUp() {
      server.close();
      rmSync(path, { force: true });
    },
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
    const left = readHolder(textOf(path) ?? '');
    if (lookAt(path) !== 'stale') return null;
    rmSync(path, { force: true });
    if (left?.socket) rmSync(join(dirname(path), left.socket), { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
  return null;
}

/** The live process that holds a lock; stale, when it is gone or the lock is damaged; null, when it was released in the meantime. */
function lookAt(path: string): Holder | 'stale' | null {
  const text = textOf(path);
  if (text === null) return null;
  const holder = readHolder(text);
  return holder && isAlive(holder, dirname(path)) ? holder : 'stale';
}

/** Null for a damaged lock. */
function readHolder(text: string): Holder | null {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return null;
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

function isAlive({ pid, born, space = SPACE, socket }: Holder, dir: string): boolean {
  if (space !== SPACE) return socket !== undefined && isHeard(dir, socket);
  if (pid === process.pid) return born === birthOf(process.pid); // in a container every process may be number 1
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return born === birthOf(pid);
}

/** Status of `CALL` where nobody listens. */
const GONE = 3;
/** Calls whoever may listen at a file: in a process of its own, for this one waits for no answer. */
const CALL = `require('node:net').connect(process.argv[1]).on('connect', () => process.exit(0))
  .on('error', ({ code }) => process.exit(/ECONNREFUSED|ENOENT/.test(code) ? ${GONE} : 0))`;
const LONGEST_CALL_MS = 30_000;

/** Whether the holder of a lock listens. One of whom this cannot be found out does: two at one database would destroy it. */
function isHeard(dir: string, socket: string): boolean {
  const { status } = spawnSync(process.execPath, ['-e', CALL, socket], { cwd: dir, env: {}, timeout: LONGEST_CALL_MS });
  return status !== GONE;
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
