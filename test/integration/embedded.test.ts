import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { CatalogRepository } from '../../src/db/catalogs.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { tidyOne } from '../../src/db/session/embedded-upkeep.ts';
import { lockDataDir } from '../../src/db/session/lock.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { NO_ROWS } from '../../src/db/sql/ask.ts';
import { startDeadline, within } from '../../src/deadline.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { dump, freshEmbedded } from '../support/embedded.ts';
import { unit } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A process that takes the lock, and holds it until it is killed. */
function start() {
  const code = `import { lockDataDir } from './src/db/session/lock.ts'; lockDataDir(${JSON.stringify(dir)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** One that has it. */
async function holder(): Promise<{ pid: number; kill(): Promise<void> }> {
  const child = start();
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

test.runIf(process.platform === 'linux')(
  'a lock of another container, where its process number says nothing, holds as long as its process listens',
  async () => {
    const other = await holder();
    const path = join(dir, 'lock.json');
    const lock = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...lock, pid: process.ppid, born: 'elsewhere', space: 'pid:[1]' }));
    expect(() => lockDataDir(dir)).toThrow(`process ${process.ppid}`);
    await other.kill();
    lockDataDir(dir)();
    expect(await readdir(dir)).toEqual([]);
  },
);

test('of two that find a stale lock the slower one does not take away the fresh lock of the faster one', async () => {
  const path = join(dir, 'lock.json');
  execFileSync('mkfifo', [path]); // whoever reads it waits until somebody has written
  const slow = start();
  const [lock] = await Promise.all([open(path, 'w'), once(slow, 'spawn')]); // open when it is being read
  await rename(path, join(dir, 'read'));
  const release = lockDataDir(dir);
  await lock.writeFile(JSON.stringify({ pid: process.ppid, born: 'long ago', since: 'then' }));
  await lock.close();
  const said = await Promise.race([once(slow.stdout, 'data'), once(slow.stderr, 'data')]);
  expect(String(said)).toContain(`process ${process.pid}`);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  release();
});

test('who releases a lock leaves that of another, and what was killed while it took one over holds nobody up', async () => {
  const stale = JSON.stringify({ pid: process.ppid, born: 'long ago', since: 'then' });
  const path = join(dir, 'lock.json');
  for (const name of ['lock.json', 'lock.json.stale']) await writeFile(join(dir, name), stale);
  const release = lockDataDir(dir);
  expect((await readdir(dir)).filter((name) => !name.endsWith('.sock'))).toEqual(['lock.json']);
  await writeFile(path, stale);
  release();
  expect(await readFile(path, 'utf8')).toBe(stale);
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

const OVER = { code: 'DEADLINE_EXCEEDED', retry: true };

test.each<[string, (storage: Storage) => Promise<unknown>]>([
  ['a query of Prisma', ({ prisma }) => prisma.product.count()],
  ['a raw one', ({ prisma }) => prisma.$queryRaw`SELECT 1`],
  ['a transaction', ({ prisma }) => prisma.$transaction((tx) => tx.product.count())],
  ['a statement', ({ ask }) => ask({ text: 'SELECT 1', row: NO_ROWS }, [])],
  ['a statement with a name', ({ ask }) => ask({ name: 'one', text: 'SELECT 1', row: NO_ROWS }, [])],
])('%s says that its request is over, or that its client has left, by its code', async (_what, asking) => {
  const storage = await freshEmbedded();
  onTestFinished(() => storage.close());
  const patience = { statementMs: 60_000, requestMs: 60_000 };
  const over = startDeadline({ ...patience, requestMs: 0 });
  await expect(within(over, () => asking(storage))).rejects.toMatchObject(OVER);
  const left = startDeadline(patience, AbortSignal.abort());
  await expect(within(left, () => asking(storage))).rejects.toMatchObject(OVER);
  await expect(within(startDeadline(patience), () => asking(storage))).resolves.toBeDefined();
});

test('a query of Prisma that waits for its turn when its client leaves is given up by its code', async () => {
  const storage = await freshEmbedded();
  onTestFinished(() => storage.close());
  const client = new AbortController();
  const patience = { statementMs: 60_000, requestMs: 60_000 };
  await storage.prisma.$transaction(async () => {
    const waiting = within(startDeadline(patience, client.signal), () => storage.prisma.product.count());
    setTimeout(() => client.abort(), 50);
    await expect(waiting).rejects.toMatchObject(OVER);
  });
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

test('a statement with a name gives what it gives without one, is planned once, and not for ever', async () => {
  const storage = await freshEmbedded();
  const ask = (name: string | undefined, text: string, values: unknown[]) =>
    storage.ask({ name, text, row: NO_ROWS }, values);
  const prepared = async () => {
    const [row] = await ask(
      undefined,
      'SELECT count(*)::int AS n, array_agg(name) AS names FROM pg_prepared_statements',
      [],
    );
    return row as unknown as { n: number; names: string[] };
  };
  const all =
    'SELECT $1::int AS i, $2::text[] AS t, $3::bool AS b, $4::float8 AS f, $5::text AS nothing, $6::vector::text AS v';
  const values = (i: number) => [i, ['a', '"', null, '{é}'], i > 0, i / 3, null, '[1,2.5]'];
  for (const i of [0, 1, 2]) expect(await ask('all', all, values(i))).toEqual(await ask(undefined, all, values(i)));
  expect((await prepared()).names).toEqual(['all']);
  expect(await ask('none', 'SELECT 1 AS one WHERE $1::int = 2', [1])).toEqual([]);

  // A statement that fails harms neither itself nor those behind it; one that cannot be planned is not kept.
  const divide = 'SELECT 12 / $1::int AS n';
  expect(await ask('divide', divide, [3])).toEqual([{ n: 4 }]);
  await expect(ask('divide', divide, [0])).rejects.toMatchObject({ code: '22012' });
  expect(await ask('divide', divide, [2])).toEqual([{ n: 6 }]);
  await expect(ask('gone', 'SELECT 1 FROM nowhere', [])).rejects.toMatchObject({ code: '42P01' });
  expect(await ask('gone', 'SELECT 7 AS n', [])).toEqual([{ n: 7 }]);

  await storage.prisma.$executeRawUnsafe('DEALLOCATE ALL');
  expect(await ask('all', all, values(4))).toEqual(await ask(undefined, all, values(4)));

  // A table that is made again under its name is another one.
  const rows = 'SELECT n FROM public.made_again';
  for (const n of [1, 2]) {
    await storage.prisma.$executeRawUnsafe(`CREATE TABLE public.made_again AS SELECT ${n} AS n`);
    expect(await ask('again', rows, [])).toEqual([{ n }]);
    await storage.prisma.$executeRawUnsafe('DROP TABLE public.made_again');
  }

  // Beside a transaction, and beside each other.
  const beside = Array.from({ length: 150 }, (_, i) => ask(`n${i}`, `SELECT $1::int + ${i} AS n`, [1]));
  const [counted] = await storage.prisma.$transaction([storage.prisma.product.count()]);
  expect(counted).toBe(0);
  expect(await Promise.all(beside)).toEqual(beside.map((_, i) => [{ n: i + 1 }]));
  expect((await prepared()).n).toBe(100);

  // One that cannot be planned has made room for itself: what it has closed, and all others, are asked as before.
  const again = async () => {
    for (let i = 0; i < 150; i++) expect(await ask(`n${i}`, `SELECT $1::int + ${i} AS n`, [1])).toEqual([{ n: i + 1 }]);
  };
  await again();
  await expect(ask('gone too', 'SELECT 1 FROM nowhere', [])).rejects.toMatchObject({ code: '42P01' });
  for (let i = 149; i >= 0; i--) expect(await ask(`n${i}`, `SELECT $1::int + ${i} AS n`, [1])).toEqual([{ n: i + 1 }]);
  // One that somebody has ended alone.
  const [ended] = (await prepared()).names;
  await storage.prisma.$executeRawUnsafe(`DEALLOCATE "${ended}"`);
  await again();
  expect(await ask('divide', divide, [4])).toEqual([{ n: 3 }]); // forgotten, and planned again
  await storage.close();
});

test('tables are counted and cleaned as autovacuum would, one at a time, and those of vectors with an index are not cleaned', async () => {
  const storage = await openEmbedded(null, undefined, await dump());
  const exec = async (sql: string) => void (await storage.prisma.$executeRawUnsafe(sql));
  const query = async (sql: string) => ({ rows: await storage.prisma.$queryRawUnsafe<never[]>(sql) });
  const db = { query, exec } as never as Parameters<typeof tidyOne>[0];
  /** Statistics reach the view when a statement ends, once a second: unless it is asked for. */
  const tidyAll = async () => {
    let tables = 0;
    do await exec('SELECT pg_stat_force_next_flush()');
    while ((await tidyOne(db)) && ++tables < 50);
    return tables;
  };
  const look = async (name: string) => {
    const [row] = await storage.prisma.$queryRawUnsafe<{ rows: number; dead: number }[]>(
      `SELECT c.reltuples::int AS rows, s.n_dead_tup::int AS dead FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
       WHERE c.oid = '${name}'::regclass`,
    );
    return row;
  };
  await tidyAll();
  await exec('CREATE TABLE public.plain AS SELECT g AS id FROM generate_series(1, 1000) g');
  await exec(
    `CREATE TABLE public.vectors AS SELECT g AS id, ('[' || g || ',1]')::vector(2) AS vec FROM generate_series(1, 1000) g`,
  );
  await exec('CREATE INDEX ON public.vectors USING hnsw (vec vector_l2_ops)');
  expect((await look('public.plain'))?.rows).toBe(-1);
  expect(await tidyAll()).toBe(2);
  expect(await look('public.plain')).toEqual({ rows: 1000, dead: 0 });
  expect(await tidyAll()).toBe(0);

  await exec('DELETE FROM public.plain WHERE id <= 40');
  expect(await tidyAll()).toBe(0); // too few
  for (const name of ['plain', 'vectors']) await exec(`DELETE FROM public.${name} WHERE id <= 400`);
  expect(await tidyAll()).toBe(2);
  expect(await look('public.plain')).toEqual({ rows: 600, dead: 0 });
  expect((await look('public.vectors'))?.dead).toBe(400);
  await storage.close();
});

test('a version of many products has its index before its rows, and is searched by it; one of few has none', async () => {
  const storage = await freshEmbedded();
  const { embeddings, search } = makeRepositories(storage, 'default');
  const space = { ...pictureSpace(2), weight: 1, encoder: null };
  const addUpTo = (from: number, to: number) =>
    storage.prisma.$executeRawUnsafe(`
      INSERT INTO simili.product (catalog_id, id, title, categories, tags, fingerprint)
      SELECT 'default', 'p' || g, 't', '{}', '{}', 'f' FROM generate_series(${from}, ${to}) AS g`);
  const vectors = Array.from({ length: 25 }, (_, i) => ({
    productId: `p${i}`,
    contentHash: 'h',
    vector: unit([Math.cos(i / 9), Math.sin(i / 9)]),
  }));
  /** How the search goes about it: what it asks, and whom it finds. */
  const ways = async (model: number) => {
    const asked: string[] = [];
    const ask: typeof storage.ask = (statement, values) => {
      asked.push(
        statement.text.includes('OVER () AS farthest')
          ? 'index'
          : statement.text.includes('to_regclass')
            ? 'look'
            : 'exact',
      );
      return storage.ask(statement, values);
    };
    const own = makeRepositories({ ...storage, ask }, 'default').search;
    const found = [];
    for (const id of ['p0', 'p9']) {
      const { neighbours } = await nearestTo(own, model, id, {}, 3);
      found.push(neighbours.map(({ productId }) => productId));
    }
    return { asked, found };
  };
  const found = [
    ['p1', 'p2', 'p3'],
    ['p10', 'p8', 'p11'],
  ];
  await addUpTo(0, 1998);
  await embeddings.createTable(31, space);
  await addUpTo(1999, 1999);
  await embeddings.createTable(32, space);
  for (const model of [31, 32]) {
    await embeddings.upsert(model, vectors);
    await embeddings.createIndex(model, space);
    expect(await embeddings.count(model)).toBe(25);
  }
  expect(await ways(31)).toEqual({ asked: ['look', 'exact', 'exact'], found });
  expect(await ways(32)).toEqual({ asked: ['look', 'index', 'index'], found });
  expect(await search.nearestOfEach({ number: 32, spaces: [space] }, ['nobody'], {}, 3)).toMatchObject([
    { anchor: 'unknown' },
  ]);
  await storage.close();
});
