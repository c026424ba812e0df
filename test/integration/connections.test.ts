// @module-tag postgres
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { int } from '../../src/db/sql/row.ts';
import { packageFile } from '../../src/package-root.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { queueNames } from '../../src/queue/jobs.ts';
import { otherSession } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

const PAGES_AT_ONCE = 3;

test('a process that is asked for much opens as many connections to Postgres as docs/production.md says', async () => {
  const fresh = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(fresh.url, PAGES_AT_ONCE);
  const queue = await openQueue({ storage, prefix: 'unused', onError: () => {} });
  const [holder, watcher] = [await otherSession(fresh.url), await otherSession(fresh.url)];
  onTestFinished(async () => {
    for (const one of [holder, watcher]) await one.end();
    await queue.close();
    await storage.close();
    await fresh[Symbol.asyncDispose]();
  });
  for (const name of queueNames) await queue.work(name, async () => {});
  await holder.query('BEGIN; LOCK TABLE simili.product, bullmq.job IN ACCESS EXCLUSIVE MODE');
  const short = { text: 'SELECT count(*)::int AS count FROM simili.product', row: { count: int }, isShort: true };
  const asked = Array.from({ length: 40 }, () =>
    Promise.all([storage.prisma.product.count(), storage.ask(short, []), queue.add('ingest', { catalog: 'default' })]),
  );
  /** Those that listen for messages have the names of their queues. */
  const open = async () => {
    const { rows } = await watcher.query(
      `SELECT count(*) FILTER (WHERE application_name = 'simili')::int AS asking,
              count(*) FILTER (WHERE application_name LIKE 'simili-%')::int AS queue
       FROM pg_stat_activity WHERE datname = current_database()`,
    );
    return rows[0];
  };
  const text = readFileSync(packageFile('docs/production.md'), 'utf8');
  const [, most, queued] = /at most (\d+) connections[\s\S]* (\d+) for a queue on Postgres/.exec(text)!.map(Number);
  const said = { asking: most! + PAGES_AT_ONCE, queue: queued };
  await expect.poll(open, { timeout: 10_000 }).toEqual(said);
  await holder.query('ROLLBACK');
  await Promise.all(asked);
  expect(await open()).toEqual(said);
});
