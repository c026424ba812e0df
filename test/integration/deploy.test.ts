import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const sql of statements) await client.query(sql);
  await client.end();
}

/** A database, and a role that may do in it what `grants` say (of `ROLE` and `DATABASE`). */
async function leastPrivileged(...grants: string[]) {
  const fresh = await freshPostgresDatabase(postgresUrl());
  const [role, password] = [`simili_test_${randomBytes(6).toString('hex')}`, randomBytes(8).toString('hex')];
  const database = new URL(fresh.url).pathname.slice(1);
  const named = (sql: string) => sql.replaceAll('ROLE', role).replaceAll('DATABASE', `DATABASE ${database}`);
  await run(fresh.url, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`, ...grants.map(named));
  onTestFinished(async () => {
    await run(fresh.url, `DROP OWNED BY ${role} CASCADE`, `DROP ROLE ${role}`);
    await fresh[Symbol.asyncDispose]();
  });
  const url = new URL(fresh.url);
  url.username = role;
  url.password = password;
  return { url: url.href, owner: fresh.url, named };
}

/** Database and queue, as a process starts them; closed again. */
async function start(url: string): Promise<void> {
  const storage = await openPostgres(url);
  try {
    const queue = await openQueue({ storage, prefix: 'unused', onError: () => {} });
    await queue.close();
  } finally {
    await storage.close();
  }
}
const unsuitable = (why: RegExp) => ({ code: 'DATABASE_UNSUITABLE', message: expect.stringMatching(why) });

describe('a Postgres that others administer', { tags: ['postgres'] }, () => {
  test('a role that may create nothing any more starts on what it migrated before', async () => {
    const { url, owner, named } = await leastPrivileged('GRANT CREATE ON DATABASE TO ROLE', 'CREATE EXTENSION vector');
    await start(url);
    await run(owner, named('REVOKE CREATE ON DATABASE FROM ROLE'));
    await start(url);
  }, 60_000);

  test('a first start without the right to create says which right is missing', async () => {
    const { url } = await leastPrivileged('CREATE EXTENSION vector');
    await expect(start(url)).rejects.toMatchObject(unsuitable(/permission denied for database .* `simili migrate`/));
  }, 60_000);

  test('pgvector in a schema of its own is found, and a role that may not use that schema is told', async () => {
    const { url, owner, named } = await leastPrivileged(
      'CREATE SCHEMA "the ext"',
      'CREATE EXTENSION vector SCHEMA "the ext"',
      'GRANT CREATE ON DATABASE TO ROLE',
    );
    await expect(start(url)).rejects.toMatchObject(unsuitable(/GRANT USAGE ON SCHEMA "the ext"/));
    await run(owner, named('GRANT USAGE ON SCHEMA "the ext" TO ROLE'));
    await start(url);
    const storage = await openPostgres(url);
    const repositories = makeRepositories(storage, 'default');
    const database = { storage, repositories, [Symbol.asyncDispose]: async () => {} };
    await addProducts(database, [{ id: 'a' }, { id: 'b' }]);
    const model = await addModel(database, { a: [1, 0], b: [0, 1] });
    expect((await nearestTo(repositories.search, model.number, 'a', {}, 5)).neighbours).toMatchObject([
      { productId: 'b' },
    ]);
    await storage.close();
  }, 60_000);

  test('a database of another encoding is refused before anything is written to it', async () => {
    const name = `simili_test_${randomBytes(6).toString('hex')}`;
    await run(
      postgresUrl(),
      `CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    onTestFinished(() => run(postgresUrl(), `DROP DATABASE ${name} WITH (FORCE)`));
    const url = new URL(postgresUrl());
    url.pathname = `/${name}`;
    await expect(start(url.href)).rejects.toMatchObject(unsuitable(/LATIN1.*ENCODING 'UTF8'/));
  }, 60_000);
});
