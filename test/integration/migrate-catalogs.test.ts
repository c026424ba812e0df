import { readFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { loadKeys } from '../../src/keys.ts';
import { packageFile } from '../../src/package-root.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { queuePrefix } from '../../src/queue/prefix.ts';
import { nearestTo } from '../support/nearest.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';
import { UNFADING } from '../support/votes-oracle.ts';

/**
 * A small shop as `pg_dump` wrote it (inserts, no owner, no comments) when the newest migration was 0007: four products, one of
 * them with a picture that is not decoded, two versions, feedback, a rating, and a training over two machines on its way.
 */
const DUMP = readFileSync(packageFile('test/fixtures/before-catalogs.sql'), 'utf8');
const EXTENSION = 'CREATE EXTENSION IF NOT EXISTS vector SCHEMA public';

type Opened = { storage: Storage; drop(): Promise<void> };

async function onPGlite(): Promise<Opened> {
  const before = await PGlite.create({ extensions: { vector } });
  await before.exec(`${EXTENSION}; ${DUMP}`);
  const dump = await before.dumpDataDir('none');
  await before.close();
  return { storage: await openEmbedded(null, undefined, dump), drop: async () => {} };
}

async function onPostgres(): Promise<Opened> {
  const database = await freshPostgresDatabase(postgresUrl());
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`${EXTENSION}; ${DUMP}`);
  await client.end();
  return { storage: await openPostgres(database.url), drop: async () => database[Symbol.asyncDispose]() };
}

function describeMigration(name: string, open: () => Promise<Opened>, tags: string[] = []): void {
  describe(`a shop of before there were catalogs, on ${name}`, { tags }, () => {
    let opened: Opened;
    let repos: Repositories;
    beforeAll(async () => {
      opened = await open();
      // It was made on a day that is longer ago with each that passes.
      repos = makeRepositories({ ...opened.storage, worth: UNFADING }, 'default');
    });
    afterAll(async () => {
      await opened.storage.close();
      await opened.drop();
    });

    test('is the catalog `default`, with all its products, pictures and vectors', async () => {
      expect(await repos.catalogs.ids()).toEqual(['default']);
      expect((await repos.products.page(10, null)).map(({ id, title, price }) => [id, title, price])).toEqual(
        [1, 2, 3, 4].map((i) => [`p${i}`, `Before p${i}`, `${9 + i}.50`]),
      );
      expect(await repos.images.counts()).toEqual({ ready: 3, pending: 1, failed: 0 });
      expect([...(await repos.features.of('eye/64', ['hash-p1'])).values()]).toEqual([Uint16Array.of(0x3c00, 0)]);
      expect([await repos.embeddings.count(1), await repos.embeddings.count(2)]).toEqual([2, 3]);
      const { neighbours } = await nearestTo(repos.search, 2, 'p1', {}, 5);
      expect(neighbours.map(({ productId }) => productId)).toEqual(['p2', 'p3']);
      // What was there before vectors said which transaction wrote them is older than any list of neighbours; what comes is not.
      const vectors = 'SELECT product_id AS id, written::text AS written FROM simili.embedding_2 ORDER BY id';
      const written = () => opened.storage.prisma.$queryRawUnsafe<{ id: string; written: string }[]>(vectors);
      expect((await written()).map((row) => row.written)).toEqual(['0', '0', '0']);
      // Versions of before there was a choice are stored in four bytes a number.
      expect((await repos.models.live()).map(({ storage }) => storage)).toEqual(['VECTOR', 'VECTOR']);
    });

    test('is served by the version that served, and can go back to the one before', async () => {
      const [newest, first] = await repos.models.list(10);
      expect(await repos.models.serving()).toMatchObject({ modelId: newest!.id, number: 2, epoch: 2 });
      expect(await repos.models.retirable(0)).toEqual([]);
      expect(await repos.models.rollback(null)).toMatchObject({ id: first!.id, state: 'ACTIVE' });
      expect(await repos.models.serving()).toMatchObject({ modelId: first!.id, number: 1, epoch: 3 });
    });

    test('has its feedback, and a list that was handed out is still valid', async () => {
      const until = new Date(Date.UTC(2036, 0, 1));
      expect(await repos.feedback.days.statistics(until)).toMatchObject([
        { anchorId: 'p1', itemId: 'p2', position: 1, placement: 'default', impressions: 1 },
        { anchorId: 'p1', itemId: 'p3', position: 2, impressions: 1, clicks: 0 },
      ]);
      expect(await repos.feedback.choices(new Date(0))).toEqual({ before: 0, after: 1 });
      expect(await repos.ratings.upTo(until)).toEqual([{ anchorId: 'p1', positiveId: 'p2', negativeId: 'p3' }]);
      const { modelId } = (await repos.models.serving())!;
      const again = { eventId: '00000000-0000-4000-8000-000000000003', kind: 'PURCHASE' as const, anchorId: 'p1' };
      const list = {
        listId: '11111111-1111-4111-8111-111111111111',
        listedAt: new Date(),
        listExpiresAt: until,
        filtered: false,
      };
      const event = { ...again, ...list, itemIds: ['p2'], positions: [1], modelId, occurredAt: new Date() };
      expect(await repos.feedback.append('visitor-1', [event])).toEqual({ stored: 0, full: [] });
    });

    test('goes on with its training: state, round and shard are there, and there is no second one', async () => {
      await expect(repos.jobs.create('RETRAIN', {}, 'test')).rejects.toMatchObject({
        facts: { jobId: 'job_on_its_way' },
      });
      expect(await repos.jobs.checkpoint('job_on_its_way')).toMatchObject({ step: 7, state: Uint8Array.of(7, 8, 9) });
      expect(await repos.rounds.status({ jobId: 'job_on_its_way', round: 0, fence: 1 })).toMatchObject({
        shards: [{ member: 0, reportedMs: null }],
      });
      expect(await repos.allJobs.reclaim(0)).toEqual([
        { catalogId: 'default', id: 'job_on_its_way', phase: 'TRAIN', fence: 2 },
      ]);
      expect(await repos.jobs.claim('job_on_its_way', 'TRAIN')).toMatchObject({ fence: 3 });
    });

    test('keeps its keys and its queue, and what its workers told', async () => {
      const { signingKey, newAdminKey } = await loadKeys(repos.installation, {
        SIMILI_ADMIN_KEY: undefined,
        SIMILI_SIGNING_KEY: undefined,
      });
      expect([signingKey, newAdminKey]).toEqual(['the-signing-key-of-before-0123456789', null]);
      expect(await queuePrefix(repos.installation)).toBe('simili-0123456789ab');
      expect(await repos.settings.get('encoder')).toContain('An eye');
    });

    test('has room for another catalog with the same ids, whose removal takes nothing along', async () => {
      expect(await repos.catalogs.create('other')).toBe(true);
      const other = repos.forCatalog('other');
      const [found] = await repos.products.byIds(['p1']);
      const { image: _, ...product } = found!;
      const write = { ...product, images: ['/other.png'], version: 0, fingerprint: 'other' };
      expect(await other.products.write(write)).toBe('created');
      await other.embeddings.createTable(2, pictureSpace(2));
      expect(await repos.catalogs.remove('other')).toBe(true);
      expect(await repos.products.count()).toBe(4);
      expect(await repos.embeddings.count(2)).toBe(3);
      await expect(other.embeddings.count(2)).rejects.toThrow('no vectors');
      // Deleting a product takes its rows out of tables of vectors that are older than catalogs, too.
      await repos.products.remove(['p3']);
      expect(await repos.embeddings.count(2)).toBe(2);
    });
  });
}
describeMigration('PGlite', onPGlite);
describeMigration('Postgres', onPostgres, ['postgres']);
