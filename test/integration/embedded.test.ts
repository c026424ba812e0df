import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { lockDataDir } from '../../src/db/lock.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A process that holds the lock until it is killed. */
async function holder(): Promise<{ pid: number; kill(): Promise<void> }> {
  const code = `import { lockDataDir } from './src/db/lock.ts'; lockDataDir(${JSON.stringify(dir)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

test('a second process is told who holds the data directory, and gets it when that process was killed', async () => {
  const other = await holder();
  expect(() => lockDataDir(dir)).toThrow(`process ${other.pid}`);
  await other.kill();
  const release = lockDataDir(dir);
  expect(() => lockDataDir(dir)).toThrow(`process ${process.pid}`);
  release();
  lockDataDir(dir)();
  expect(await readdir(dir)).toEqual([]);
});

test('a lock whose process number now belongs to another process is stale', async () => {
  await writeFile(join(dir, 'lock.json'), JSON.stringify({ pid: process.ppid, born: 'long ago', since: 'then' }));
  const release = lockDataDir(dir);
  expect(JSON.parse(await readFile(join(dir, 'lock.json'), 'utf8'))).toMatchObject({ pid: process.pid });
  release();
});

test('a damaged lock file holds nobody up', async () => {
  await writeFile(join(dir, 'lock.json'), '');
  lockDataDir(dir)();
});

test("the data directory and every file of the database are their owner's alone, whatever the process allows", async () => {
  const before = process.umask(0);
  try {
    const data = join(dir, 'new');
    await (await openEmbedded(join(data, 'database'))).close();
    const entries = await readdir(data, { recursive: true });
    expect(entries.length).toBeGreaterThan(500);
    const open = ['', ...entries].filter((entry) => (statSync(join(data, entry)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  } finally {
    process.umask(before);
  }
});

test('a data directory of before is closed to strangers; what an operator gave its group stays', async () => {
  await chmod(dir, 0o755);
  lockDataDir(dir)();
  expect(statSync(dir).mode & 0o777).toBe(0o750);
});

test('a transaction waits for one that takes longer than Prisma waits by itself, as on Postgres', async () => {
  const storage = await openEmbedded(null);
  const slow = storage.prisma.$transaction(() => sleep(2_500)); // Prisma lets the next in line wait for 2,000 ms
  await sleep(50);
  await expect(storage.prisma.$transaction((tx) => tx.product.count())).resolves.toBe(0);
  await slow;
  await storage.close();
});
