import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CatalogRepository } from '../../src/db/catalogs.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { lockDataDir } from '../../src/db/lock.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { freshEmbedded } from '../support/embedded.ts';

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
  const storage = await freshEmbedded();
  const slow = storage.prisma.$transaction(() => sleep(2_500)); // Prisma lets the next in line wait for 2,000 ms
  await sleep(50);
  await expect(storage.prisma.$transaction((tx) => tx.product.count())).resolves.toBe(0);
  await slow;
  await storage.close();
});

test('what a test closes is as empty for the next one as a new one: rows, tables, numbers, settings', async () => {
  const state = async (use: boolean) => {
    const storage = await freshEmbedded();
    const all = `SELECT (SELECT count(*) FROM simili._prisma_migrations)::int AS migrations, (SELECT count(*) FROM simili.catalog)::int AS catalogs,
      (SELECT count(*) FROM pg_tables WHERE schemaname IN ('simili', 'bullmq'))::int AS tables, current_setting('search_path') AS path,
      (SELECT count(*) FROM simili.product)::int AS products, (SELECT count(*) FROM simili.vector_queue)::int AS queued,
      (SELECT sum(coalesce(last_value, 0)) FROM pg_sequences)::int AS numbers, current_setting('statement_timeout') AS timeout`;
    const catalogs = new CatalogRepository(storage.prisma);
    const before = await storage.prisma.$queryRawUnsafe(all);
    if (use) {
      const repos = makeRepositories(storage, 'other');
      await catalogs.create('other');
      await storage.prisma.product.create({ data: { catalogId: 'other', id: 'p', title: 'P', fingerprint: 'f' } });
      await repos.embeddings.createTable(77, pictureSpace(2));
      await storage.prisma.$executeRawUnsafe(`SET statement_timeout = 60000`);
      expect(await storage.prisma.$queryRawUnsafe(all)).not.toEqual(before);
    }
    await storage.close();
    return before;
  };
  const whenNew = await state(true);
  expect(await state(false)).toEqual(whenNew);
});
