// @module-tag postgres
import { expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { otherSession, untilWaitedFor } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

test('a job that is cancelled while it is handed on to its next phase is cancelled', async () => {
  await using database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  const [worker, watcher] = [await otherSession(database.url), await otherSession(database.url)];
  try {
    const { jobs } = makeRepositories(storage, 'default');
    const { id } = await jobs.create('RETRAIN', {}, 'test');
    await jobs.claim(id, 'TRAIN');
    await worker.query('BEGIN');
    await worker.query(`UPDATE simili.job SET state = 'QUEUED', phase = 'EMBED' WHERE id = $1`, [id]);
    const cancelling = jobs.cancel(id);
    await untilWaitedFor(worker, watcher);
    await worker.query('COMMIT');
    expect(await cancelling).toMatchObject({ state: 'CANCELLED', phase: 'EMBED' });
  } finally {
    await Promise.all([worker.end(), watcher.end()]);
    await storage.close();
  }
});
