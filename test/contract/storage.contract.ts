import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fromHalf, toHalf } from '../../learning/numbers/half.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { type ProductDraft, writeProducts } from '../../src/catalog/products.ts';
import type { FeedbackKind, FeedbackWrite } from '../../src/db/feedback.ts';
import { type Gate, spacesOf } from '../../src/db/models.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import { TIES } from '../../src/db/search/one.ts';
import type { Way } from '../../src/db/search/parts.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import { type Behind, type SearchFilter, searchStatement } from '../../src/db/search/statement.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { int, text } from '../../src/db/sql/row.ts';
import { squaredDistance } from '../../src/db/sql/space-distance.ts';
import { VersionGone } from '../../src/db/sql/version-gone.ts';
import { VectorQueue } from '../../src/db/vector-queue.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { fakeQueue, unit as unitOf } from '../support/fixtures.ts';
import { nearestTo } from '../support/nearest.ts';
import { UNFADING } from '../support/votes-oracle.ts';

const product = (id: string, more: object = {}) => ({
  id,
  title: id.toUpperCase(),
  url: null,
  categories: ['all'],
  tags: [],
  price: null,
  currency: null,
  available: true,
  groupId: null,
  images: [`/pictures/${id}.png`],
  version: 0,
  fingerprint: `${id}-0`,
  ...more,
});

/** The contract of database adapters. `open` gives a fresh, migrated, empty database; `tags` names what it needs. */
export function describeStorage(name: string, open: () => Promise<Storage>, tags: string[] = []): void {
  describe(`storage on ${name}`, { tags }, () => {
    let storage: Storage;
    let repos: Repositories;
    beforeAll(async () => {
      storage = await open();
      repos = makeRepositories(storage, 'default');
    });
    afterAll(() => storage.close());

    test('a product is created, unchanged when sent again, updated when it differs, and an older version loses', async () => {
      expect(await repos.products.write(product('p1', { price: '12.50', currency: 'EUR' }))).toBe('created');
      expect(await repos.products.write(product('p1'))).toBe('unchanged');
      expect(await repos.products.write(product('p1', { title: 'new', fingerprint: 'p1-1', version: 3 }))).toBe(
        'updated',
      );
      expect(await repos.products.write(product('p1', { title: 'old', fingerprint: 'p1-2', version: 2 }))).toBe(
        'outdated',
      );
      expect(await repos.products.byIds(['p1', 'nobody'])).toMatchObject([
        { id: 'p1', title: 'new', image: { state: 'PENDING' } },
      ]);
    });

    test('a picture whose source stays keeps its state; a new source starts anew', async () => {
      await repos.products.write(product('p2', { images: ['/a.png', '/b.png'] }));
      const claimed = (await repos.images.claimPending(100, 60)).filter(({ productId }) => productId === 'p2');
      expect(claimed.map(({ source }) => source).sort()).toEqual(['/a.png', '/b.png']);
      for (const { id, reading } of claimed)
        await repos.images.markReady({ id, reading }, { contentHash: 'h', mime: 'image/png', width: 3, height: 4 });
      await repos.products.write(product('p2', { images: ['/a.png', '/c.png'], fingerprint: 'p2-1' }));
      const again = (await repos.images.claimPending(100, 60)).filter(({ productId }) => productId === 'p2');
      expect(again.map(({ source }) => source)).toEqual(['/c.png']);
    });

    test('a picture that failed, for whatever reason, is asked for again when its product is sent again', async () => {
      await repos.products.write(product('p4', { images: ['http://shop.test/4.png'] }));
      const [image] = (await repos.images.claimPending(100, 60)).filter(({ productId }) => productId === 'p4');
      await repos.images.markFailed(image!, 'IMAGE_UNREACHABLE', 'no answer');
      expect(await repos.products.write(product('p4', { images: ['http://shop.test/4.png'] }))).toBe('unchanged');
      const [again] = (await repos.images.claimPending(100, 60)).filter(({ id }) => id === image!.id);
      await repos.images.markFailed(again!, 'IMAGE_UNREADABLE', 'no picture');
      await repos.products.write(product('p4', { images: ['http://shop.test/4.png'] }));
      expect((await repos.images.claimPending(100, 60)).map(({ id }) => id)).toContain(image!.id);
    });

    test('a hundred products in a commit become what they become one after the other', async () => {
      for (const id of ['batch', 'alone']) await repos.catalogs.create(id);
      const [batch, alone] = ['batch', 'alone'].map((id) => makeRepositories(storage, id)) as [
        Repositories,
        Repositories,
      ];
      const source = fc.constantFrom('/1.png', '/2.png', '/3.png');
      const sent = fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        title: fc.constantFrom('x', 'y "z"'),
        price: fc.constantFrom(null, '12.50'),
        tags: fc.subarray(['t', 'ü,"}']),
        images: fc.uniqueArray(source, { maxLength: 3 }),
        version: fc.constantFrom(0, 1, 2),
        refresh: fc.boolean(),
        revision: fc.constantFrom(null, 'file 1 1', 'file 2 2'),
      });
      const rounds = fc.array(
        fc.record({
          products: fc.uniqueArray(sent, { selector: ({ id }) => id, minLength: 1 }),
          ends: fc.array(fc.constantFrom('ready', 'failed', 'known'), { minLength: 1, maxLength: 4 }),
        }),
        { minLength: 1, maxLength: 5 },
      );
      /** Every picture that waits comes to an end, in an order that both catalogs share. */
      const finish = async ({ images, catalog }: Repositories, ends: readonly string[]) => {
        const where = { catalogId: catalog, state: 'PENDING' } as const;
        const orderBy = [{ productId: 'asc' }, { position: 'asc' }] as const;
        const waiting = await storage.prisma.productImage.findMany({ where, orderBy: [...orderBy] });
        for (const [i, { id, reading }] of waiting.entries()) {
          const end = ends[i % ends.length]!;
          const etag = end === 'known' ? 'file 1 1' : null;
          const facts = { contentHash: 'h', mime: 'image/png', width: 3, height: 4 };
          if (end === 'failed') await images.markFailed({ id, reading }, 'IMAGE_UNREADABLE', 'no picture', 60);
          else await images.markReady({ id, reading }, facts, { etag, lastModified: null });
        }
      };
      const all = async ({ catalog: catalogId }: Repositories) => {
        const products = await storage.prisma.product.findMany({
          where: { catalogId },
          orderBy: { id: 'asc' },
          include: { images: { orderBy: { position: 'asc' } }, queued: true },
        });
        return products.map(({ images, queued, price, catalogId: _c, createdAt: _n, updatedAt: _u, ...own }) => ({
          ...own,
          price: price?.toFixed(),
          queued: queued.length,
          images: images.map(({ position, source, state, attempts, retryAt, etag }) => {
            return { position, source, state, attempts, again: retryAt !== null, etag };
          }),
        }));
      };
      await fc.assert(
        fc.asyncProperty(rounds, async (sequence) => {
          for (const { products, ends } of sequence) {
            const writes = products.map(({ revision, ...own }) =>
              product(own.id, {
                ...own,
                currency: own.price && 'EUR',
                revisions: own.images.map(() => revision),
                fingerprint: JSON.stringify([own.title, own.price, own.tags, own.images, own.version]),
              }),
            );
            const before = await all(batch);
            const tried = await batch.products.tryAll(writes);
            expect(await all(batch)).toEqual(before);
            const outcomes = await batch.products.writeAll(writes);
            expect(tried).toEqual(outcomes);
            const single = [];
            for (const write of writes) single.push(await alone.products.write(write));
            expect(outcomes).toEqual(single);
            expect(await all(batch)).toEqual(await all(alone));
            await finish(batch, ends);
            await finish(alone, ends);
          }
          for (const own of [batch, alone]) await own.products.remove(['a', 'b', 'c', 'd', 'e']);
        }),
        { numRuns: 4 },
      );
      for (const id of ['batch', 'alone']) await repos.catalogs.remove(id);
    });

    test('the longest texts that a product may have fit their indexes; what would not is refused alone', async () => {
      const random = makeRandom(7);
      /** Nothing that an index could store in fewer bytes: code points of four. */
      const noise = (length: number) =>
        Array.from({ length }, () => String.fromCodePoint(0x20000 + random.int(0xa000))).join('');
      const names = (count: number) => Array.from({ length: count }, () => noise(200));
      const ofBytes = (bytes: number) => {
        const start = `https://a.test/${'x'.repeat((bytes - 15) % 4)}`;
        return start + noise((bytes - start.length) / 4);
      };
      const ids = names(4);
      const sent = ids.map((id) => {
        const lists = { categories: names(10), tags: names(100) };
        return { id, title: noise(1000), url: ofBytes(2048), groupId: noise(200), imageUrls: [], ...lists };
      });
      sent[1]!.url = ofBytes(2049);
      sent[2]!.url = ofBytes(2700);
      const deps = { catalog: 'default', products: repos.products, queue: fakeQueue() };
      const told = await writeProducts(sent, deps);
      expect(told).toMatchObject({
        created: 2,
        rejections: [
          { index: 1, field: ['url'] },
          { index: 2, field: ['url'] },
        ],
      });
      expect(told.rejections[0]!.error.message).toContain('url may have at most 2,048 bytes in UTF-8');
      // Past the bound the database itself would have to refuse it, which costs no other product.
      const unbounded = (entry: unknown) => ({ value: entry as ProductDraft });
      const again = await writeProducts(sent, deps, unbounded);
      expect(again).toMatchObject({ created: 1, unchanged: 2, rejections: [{ index: 2, field: [] }] });
      expect(again.rejections[0]!.error.message).toContain('SQLSTATE 54000');
      const [anchorId, positiveId, negativeId] = ids as [string, string, string, string];
      expect(await repos.ratings.append([{ anchorId, positiveId, negativeId }])).toBe(1);
      await storage.prisma.rating.deleteMany({ where: { anchorId } });
      expect(await repos.products.remove(ids)).toBe(3);
    });

    test.runIf(name === 'Postgres')(
      'who writes or removes a product does not hold what the decoder of its picture waits for',
      async () => {
        const waits = async () => {
          const [row] = await storage.prisma.$queryRaw<{ n: number }[]>`
            SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
          return row!.n;
        };
        const during = async (write: () => Promise<unknown>) => {
          let written: Promise<unknown> = Promise.resolve();
          const where = { productId: 'held' };
          const { id } = await storage.prisma.productImage.findFirstOrThrow({ where });
          await storage.prisma.queuedProduct.deleteMany({ where }); // its place is made anew, which looks at the product
          await storage.prisma.$transaction(async (tx) => {
            await tx.$executeRaw`SELECT 1 FROM simili.product_image WHERE id = ${id} FOR UPDATE`;
            written = write();
            await expect.poll(waits, { timeout: 20_000 }).toBe(1);
            await tx.$executeRaw`SET LOCAL lock_timeout = '1ms'`;
            await tx.$executeRaw`
              UPDATE simili.product_image SET state = 'READY', content_hash = ${crypto.randomUUID()} WHERE id = ${id}`;
          });
          return written;
        };
        await repos.products.write(product('held'));
        const other = product('held', { images: ['/new.png'], fingerprint: 'held-1' });
        expect(await during(() => repos.products.write(other))).toBe('updated');
        expect(await during(() => repos.products.remove(['held']))).toBe(1);
      },
    );

    test('a claimed picture is given to nobody else until its claim ends', async () => {
      await repos.products.write(product('p3'));
      const first = await repos.images.claimPending(100, 60);
      expect(first.map(({ productId }) => productId)).toContain('p3');
      expect((await repos.images.claimPending(100, 60)).map(({ productId }) => productId)).not.toContain('p3');
      const over = { claimedUntil: new Date(Date.now() - 1000) };
      await storage.prisma.productImage.updateMany({ where: { productId: 'p3' }, data: over });
      expect((await repos.images.claimPending(100, 60)).map(({ productId }) => productId)).toContain('p3');
    });

    describe('pictures that are sent as files', () => {
      const upload = (seed: number, length = 70_000) => ({
        contentHash: `${seed}`.padStart(64, '0'),
        bytes: Uint8Array.from({ length }, (_, i) => (i * 7 + seed) % 256),
      });
      const named = (id: string, ...uploads: ReturnType<typeof upload>[]) =>
        product(id, { images: uploads.map(({ contentHash }) => `upload:${contentHash}`), uploads });
      const hashes = async () =>
        (await storage.prisma.uploadedPicture.findMany({ orderBy: { contentHash: 'asc' } })).map(({ contentHash }) =>
          Number(contentHash),
        );
      const age = (data: object = { sentAt: new Date(Date.now() - 3_700_000) }) =>
        storage.prisma.uploadedPicture.updateMany({ data });

      test('are committed with their products or not at all, each once, and come back to the byte', async () => {
        const [one, two, three] = [upload(1), upload(2, 0), upload(3)];
        expect(await repos.products.writeAll([named('u1', two, one), named('u2', one)])).toEqual([
          'created',
          'created',
        ]);
        expect(await hashes()).toEqual([1, 2]);
        for (const { contentHash, bytes } of [one, two])
          expect(Buffer.compare((await repos.uploadedPictures.read(contentHash))!, bytes)).toBe(0);
        expect(await repos.uploadedPictures.read(three.contentHash)).toBeNull();
        const refused = { ...named('u4', three), price: '12345678901234' };
        await expect(repos.products.writeAll([named('u3', three), refused])).rejects.toThrow();
        expect(await repos.products.existing(['u3', 'u4'])).toEqual(new Set());
        expect(await repos.products.write({ ...named('u1', three), version: -1, fingerprint: 'old' })).toBe('outdated');
        expect(await hashes()).toEqual([1, 2]);
      });

      test('stay for as long as a product of any catalog names them, and an hour; one that is sent again begins anew', async () => {
        const blue = repos.forCatalog('blue');
        await repos.catalogs.create('blue');
        await blue.products.write(named('u1', upload(2, 0)));
        await repos.products.write({ ...named('u1', upload(3)), fingerprint: 'u1-1' });
        await repos.products.write({ ...named('u2', upload(4)), fingerprint: 'u2-1' });
        expect(await repos.uploadedPictures.prune()).toBe(0); // all are young
        await age();
        await repos.products.write(named('u5', upload(5)));
        await repos.products.remove(['u2', 'u5']);
        expect(await repos.uploadedPictures.prune()).toBe(2);
        expect(await hashes()).toEqual([2, 3, 5]);
        await age();
        await repos.products.write(named('u6', upload(5)));
        await repos.products.remove(['u6']);
        expect(await repos.uploadedPictures.prune()).toBe(0);
        await repos.catalogs.remove('blue');
        await repos.products.remove(['u1']);
        await age();
        expect(await repos.uploadedPictures.prune()).toBe(3);
      });
    });

    test('a picture that is searched by is taken once, out of the table, and its answer is read once', async () => {
      const { pictureQueries } = repos;
      const bounds = { mostWaiting: 2, patienceSeconds: 60 };
      const [one, two, three] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256);
      expect(await pictureQueries.add(one, 'mdl_1', { bytes }, bounds)).toBe(true);
      expect(await pictureQueries.add(two, 'mdl_1', { url: 'https://a.test/1' }, bounds)).toBe(true);
      expect(await pictureQueries.add(three, 'mdl_1', { url: 'https://a.test/1' }, bounds)).toBe(false);
      expect(await pictureQueries.collect(one)).toBeNull();
      const taken = (await pictureQueries.take(one))!;
      expect(taken).toMatchObject({ modelId: 'mdl_1', waitedMs: expect.any(Number) });
      expect(Buffer.compare((taken.picture as { bytes: Uint8Array }).bytes, bytes)).toBe(0);
      expect(await pictureQueries.take(one)).toBeNull();
      expect(await storage.prisma.pictureQuery.findMany({ where: { id: one }, select: { bytes: true } })).toEqual([
        { bytes: null },
      ]);
      expect(await pictureQueries.add(three, 'mdl_1', { url: 'https://a.test/3' }, bounds)).toBe(true);
      const vector = Float32Array.of(0.25, -1e-9, 3);
      await pictureQueries.answer(one, { vector });
      expect(await pictureQueries.collect(one)).toEqual({ vector });
      expect(await pictureQueries.collect(one)).toBeNull();
      expect(await pictureQueries.take(two)).toMatchObject({ picture: { url: 'https://a.test/1' } });
      const failure = { code: 'IMAGE_UNREADABLE', facts: { why: 'test' } };
      await pictureQueries.answer(two, failure);
      expect(await pictureQueries.leave(three, 60)).toEqual({ taken: false, busy: true });
      expect(await pictureQueries.leave(three, 0)).toEqual({ taken: false, busy: false });
      expect(await pictureQueries.collect(two)).toEqual(failure);
    });

    test('of pictures that nobody waits for nothing is left, nor their room', async () => {
      const { pictureQueries } = repos;
      const bounds = { mostWaiting: 9, patienceSeconds: 60 };
      const ids = [crypto.randomUUID(), crypto.randomUUID()] as const;
      const bytes = new Uint8Array(2 ** 21).fill(1);
      for (const id of ids) await pictureQueries.add(id, 'mdl_1', { bytes }, bounds);
      const askedAt = new Date(Date.now() - 61_000);
      await storage.prisma.pictureQuery.updateMany({ where: { id: ids[0] }, data: { askedAt } });
      await pictureQueries.prune();
      expect(await storage.prisma.pictureQuery.findMany({ select: { id: true } })).toEqual([{ id: ids[1] }]);
      await storage.prisma.pictureQuery.updateMany({ data: { askedAt } });
      await pictureQueries.prune();
      const [{ size } = { size: -1 }] = await storage.prisma.$queryRawUnsafe<{ size: number }[]>(
        `SELECT pg_total_relation_size('simili.picture_query')::float8 AS size`,
      );
      expect(size).toBeLessThan(2 ** 20);
    });

    test('of two starters of a job one wins and the other is told which', async () => {
      const [one, two] = await Promise.allSettled([
        repos.jobs.create('RETRAIN', {}, 'a'),
        repos.jobs.create('RETRAIN', {}, 'b'),
      ]);
      const [winner, loser] = one.status === 'fulfilled' ? [one, two] : [two, one];
      if (winner.status !== 'fulfilled' || loser.status !== 'rejected') throw new Error('exactly one should win');
      expect(loser.reason).toMatchObject({ code: 'JOB_ALREADY_RUNNING', facts: { jobId: winner.value.id } });
      expect(await repos.jobs.cancel(winner.value.id)).toMatchObject({ state: 'CANCELLED' });
      await expect(repos.jobs.cancel(winner.value.id)).rejects.toMatchObject({ code: 'JOB_NOT_CANCELLABLE' });
    });

    test('a starter of a job who meets one that ends before it can be named takes its place', async () => {
      const first = await repos.jobs.create('RETRAIN', {}, 'a');
      const prisma = storage.prisma.$extends({
        query: {
          job: {
            create: ({ args, query }) =>
              query(args).catch(async (error) => {
                await repos.jobs.cancel(first.id);
                throw error;
              }),
          },
        },
      }) as unknown as PrismaClient;
      const second = await makeRepositories({ ...storage, prisma }, 'default').jobs.create('RETRAIN', {}, 'b');
      expect(second).toMatchObject({ requestedBy: 'b', state: 'QUEUED' });
      expect(await repos.jobs.byId(first.id)).toMatchObject({ state: 'CANCELLED' });
      await repos.jobs.cancel(second.id);
    });

    test('a claim is exclusive, and a holder that lost it can write nothing more', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const old = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      expect(await repos.jobs.claim(job.id, 'TRAIN')).toBeNull();
      expect(await repos.jobs.heartbeat(old, { progress: 0.5 })).toBe('held');
      await repos.allJobs.reclaim(0);
      const fresh = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      expect(await repos.jobs.heartbeat(old, { progress: 0.9 })).toBe('lost');
      const model = {
        kind: 'GOLDEN' as const,
        parentId: null,
        dimensions: 2,
        checksum: 'c',
        artefact: Uint8Array.of(1),
        metrics: {},
      };
      await expect(repos.models.commitTrained(old, model)).rejects.toThrow('claim');
      await expect(repos.jobs.saveCheckpoint(old, 1, 'c', Uint8Array.of(1))).rejects.toThrow('claim');
      expect(await repos.models.list(10)).toEqual([]);
      await repos.jobs.saveCheckpoint(fresh, 7, 'c', Uint8Array.of(1, 2));
      expect(await repos.jobs.checkpoint(job.id)).toMatchObject({ step: 7, state: Uint8Array.of(1, 2) });
      expect(await repos.jobs.byId(job.id)).toMatchObject({ progress: 0.5, state: 'RUNNING' });
      await repos.jobs.cancel(job.id);
      expect(await repos.jobs.heartbeat(fresh)).toBe('cancel');
      await repos.jobs.settleCancelled(fresh);
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'CANCELLED' });
    });

    test('a job whose workers die again and again is given up with a reason', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      for (let attempt = 0; attempt < 5; attempt++) {
        expect(await repos.jobs.claim(job.id, 'TRAIN')).not.toBeNull();
        await repos.allJobs.reclaim(0);
      }
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'FAILED', error: { code: 'ENGINE_CRASHED' } });
    });

    test('attempts count only without progress: a job whose workers die is not given up while it gets further', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const dies = async (step: number) => {
        const claim = await repos.jobs.claim(job.id, 'TRAIN');
        await repos.jobs.saveCheckpoint(claim!, step, 'c', Uint8Array.of(step));
        await repos.allJobs.reclaim(0);
      };
      for (let step = 1; step <= 7; step++) await dies(step);
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'QUEUED' });
      for (let again = 0; again < 4; again++) await dies(7); // the seventh was one without progress after it
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'QUEUED', attempts: 4 });
      await dies(7);
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'FAILED', error: { code: 'ENGINE_CRASHED' } });
    });

    test('vectors that were written are progress, and a worker that stops after them owes nothing', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      await repos.jobs.heartbeat(claim, { attempts: 0, progress: 0.9, message: 'Embedding', etaSeconds: 9 });
      await repos.jobs.release(claim);
      // Nor does a job that waits tell of what it did.
      const waiting = { state: 'QUEUED', attempts: 0, progress: 0.9, message: null, etaSeconds: null };
      expect(await repos.jobs.byId(job.id)).toMatchObject(waiting);
      await repos.jobs.cancel(job.id);
    });

    test('a failure is told once, and not by a worker that lost the job', async () => {
      const failure = { code: 'INTERNAL', message: 'the connection was lost', retry: true };
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      expect(await repos.jobs.fail(claim, failure)).toBe('QUEUED');
      expect(await repos.jobs.fail(claim, failure)).toBeNull();
      const next = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      expect(await repos.jobs.fail(claim, failure)).toBeNull();
      expect(await repos.jobs.fail(next, { ...failure, retry: false })).toBe('FAILED');
      expect(await repos.jobs.byId(job.id)).toMatchObject({
        state: 'FAILED',
        error: failure && { ...failure, retry: false },
      });
    });

    test('of all processes one takes a turn; the next one is due when its time has come, or a clock was put back', async () => {
      const at = (seconds: number) =>
        storage.prisma.installationSetting.update({
          where: { key: 'turn test' },
          data: { value: `${Date.now() / 1000 + seconds}` },
        });
      const both = () => Promise.all([1, 2].map(() => repos.installation.takeTurn('test', 60)));
      expect((await both()).sort()).toEqual([false, true]);
      expect(await both()).toEqual([false, false]);
      await at(-61);
      expect((await both()).sort()).toEqual([false, true]);
      await at(3600);
      expect((await both()).sort()).toEqual([false, true]);
    });

    test('what a worker was doing is not said any more once it is done', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      await repos.jobs.heartbeat(claim, { message: 'Embedding 849 products', etaSeconds: 9 });
      await repos.jobs.fail(claim, { code: 'INTERNAL', message: 'broken', retry: false });
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'FAILED', message: null, etaSeconds: null });
    });

    test('what went wrong in a phase is not said any more once it was done', async () => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const failure = { code: 'ENGINE_CRASHED', message: 'the process ended', retry: true };
      await repos.jobs.fail((await repos.jobs.claim(job.id, 'TRAIN'))!, failure);
      expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'QUEUED', error: failure });
      const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      const model = { kind: 'GOLDEN' as const, parentId: null, dimensions: 2, checksum: 'c', metrics: {} };
      await repos.models.commitTrained(claim, { ...model, artefact: Uint8Array.of(1) });
      expect(await repos.jobs.byId(job.id)).toMatchObject({ phase: 'EMBED', error: null });
      await repos.jobs.cancel(job.id);
    });

    test('lists of jobs and versions go on behind the last one that was read, whatever became of it', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        const { id } = await repos.jobs.create('RETRAIN', {}, 'test');
        const claim = (await repos.jobs.claim(id, 'TRAIN'))!;
        const model = { kind: 'GOLDEN' as const, parentId: null, dimensions: 2, checksum: 'c', metrics: {} };
        await repos.models.commitTrained(claim, { ...model, artefact: Uint8Array.of(1) });
        await repos.jobs.cancel(id);
        ids.push(id);
      }
      const { job } = storage.prisma;
      const sameTime = { where: { id: { in: ids.slice(1, 6) } }, data: { createdAt: new Date('2026-01-01') } };
      await job.updateMany(sameTime);
      const paged = async <Row extends { id: string }>(list: (after: string | null) => Promise<Row[]>) => {
        const read: string[] = [];
        for (let page = await list(null); page.length > 0; page = await list(read.at(-1)!))
          read.push(...page.map(({ id }) => id));
        return read;
      };
      const all = await job.findMany({
        where: { catalogId: 'default' },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      });
      expect(await paged((after) => repos.jobs.list(2, undefined, after))).toEqual(all.map(({ id }) => id));
      const cancelled = all.filter(({ state }) => state === 'CANCELLED').map(({ id }) => id);
      expect(await paged((after) => repos.jobs.list(3, ['CANCELLED'], after))).toEqual(cancelled);
      const versions = (await repos.models.list(1000)).map(({ id }) => id);
      expect(versions.length).toBeGreaterThan(6);
      expect(await paged((after) => repos.models.list(2, after))).toEqual(versions);
      // One that is in another state than what is listed: the list goes on behind its place.
      await job.update({
        where: { catalogId_id: { catalogId: 'default', id: cancelled[1]! } },
        data: { state: 'FAILED' },
      });
      expect((await repos.jobs.list(100, ['CANCELLED'], cancelled[1]!)).map(({ id }) => id)).toEqual(
        cancelled.slice(2),
      );
      for (const list of [() => repos.models.list(2, 'nobody'), () => repos.jobs.list(2, undefined, 'nobody')])
        await expect(list()).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    });

    test('numbers of versions follow one another, whatever a hard stop made of the sequence', async () => {
      await storage.prisma.$executeRaw`SELECT setval('simili.model_version_number_seq', 33)`; // as recovery leaves it
      const newest = (await repos.models.list(1))[0]?.number ?? 0;
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
      const model = { kind: 'GOLDEN' as const, parentId: null, dimensions: 2, checksum: 'c', metrics: {} };
      const { number } = await repos.models.commitTrained(claim, { ...model, artefact: Uint8Array.of(1) });
      expect(number).toBe(newest + 1);
      await repos.jobs.cancel(job.id);
    });

    describe('rounds of a training over several machines', () => {
      const round = (number: number) => ({
        round: number,
        members: 2,
        firstStep: 5 * number,
        steps: 5,
        totalSteps: 50,
        pictures: 0,
        expectedMs: 100,
        settings: { preset: 'tiny' },
        checksum: `c${number}`,
        state: Uint8Array.of(number, 1),
      });
      const result = (value: number) => ({
        state: Uint8Array.of(value),
        checksum: 'r',
        pictures: 6,
        loss: value,
        activeShare: 0.5,
      });
      const coordinated = async () => {
        const job = await repos.jobs.create('RETRAIN', {}, 'test');
        const claim = (await repos.jobs.claim(job.id, 'TRAIN'))!;
        await repos.rounds.open(claim, round(0));
        const shard = (member: number, number = 0, fence = claim.fence) => ({
          jobId: job.id,
          round: number,
          fence,
          member,
        });
        return { job, claim, shard };
      };

      test('a shard counts once, however often it is taken and reported', async () => {
        const { job, claim, shard } = await coordinated();
        expect(await repos.rounds.report(shard(0), result(9))).toBe(false); // nobody took it
        expect(await repos.rounds.take(shard(0))).toBe(true);
        expect(await repos.rounds.take(shard(0))).toBe(true); // its holder may be dead
        expect(await repos.rounds.take(shard(1))).toBe(true);
        expect(await repos.rounds.report(shard(0), result(1))).toBe(true);
        expect(await repos.rounds.report(shard(0), result(2))).toBe(true);
        expect(await repos.rounds.take(shard(0))).toBe(false);
        await repos.rounds.giveBack(shard(0)); // reported: it stays
        await repos.rounds.giveBack(shard(1));
        const status = await repos.rounds.status(shard(0));
        expect(status).toMatchObject({ settled: false, shards: [{ member: 0 }] });
        expect(status!.openedMs).toBeGreaterThanOrEqual(status!.shards[0]!.takenMs);
        expect(status!.shards[0]!.takenMs).toBeGreaterThanOrEqual(status!.shards[0]!.reportedMs!);
        expect(await repos.rounds.results(shard(0))).toMatchObject([{ member: 0, ...result(1) }]);
        await repos.rounds.settle(shard(0, 1)); // another round
        expect(await repos.rounds.status(shard(0))).toMatchObject({ settled: false });
        await repos.rounds.settle(shard(0));
        expect(await repos.rounds.status(shard(0))).toMatchObject({ settled: true });
        await repos.jobs.cancel(job.id);
        await repos.jobs.settleCancelled(claim);
      });

      test('a round that is closed takes nothing, and only the open one is kept', async () => {
        const { job, claim, shard } = await coordinated();
        for (const member of [0, 1]) await repos.rounds.take(shard(member));
        await repos.rounds.report(shard(0), result(1));
        await repos.rounds.open(claim, round(1));
        expect(await repos.rounds.report(shard(1), result(2))).toBe(false);
        expect(await repos.rounds.take(shard(1))).toBe(false);
        expect(await repos.rounds.isOpen(shard(1))).toBe(false);
        expect(await repos.rounds.find(shard(1))).toBeNull();
        expect(await repos.rounds.find(shard(1, 1))).toMatchObject({ ...round(1), fence: claim.fence });
        expect(await repos.rounds.results(shard(0))).toEqual([]);
        expect(await repos.rounds.status(shard(0, 1))).toMatchObject({ shards: [] });
        await repos.jobs.cancel(job.id);
        expect(await repos.rounds.isOpen(shard(0, 1))).toBe(false); // at once, not only when its holder hears of it
        await repos.jobs.settleCancelled(claim);
        await repos.allJobs.reclaim(20);
        expect(await repos.rounds.status(shard(0, 1))).toBeNull();
      });

      test('a coordinator that lost its claim opens nothing, and its members report nothing; the next one goes on', async () => {
        const { job, claim, shard } = await coordinated();
        for (const member of [0, 1]) await repos.rounds.take(shard(member));
        await repos.rounds.report(shard(0), result(1));
        await repos.allJobs.reclaim(0);
        expect(await repos.rounds.report(shard(1), result(2))).toBe(false);
        const fresh = (await repos.jobs.claim(job.id, 'TRAIN'))!;
        await expect(repos.rounds.open(claim, round(1))).rejects.toThrow('claim');
        await expect(repos.rounds.adopt(claim)).rejects.toThrow('claim');
        expect(await repos.rounds.adopt(fresh)).toEqual({ ...round(0), fence: fresh.fence });
        expect(await repos.rounds.report(shard(1), result(2))).toBe(false);
        const now = (member: number) => shard(member, 0, fresh.fence);
        expect(await repos.rounds.status(now(0))).toMatchObject({ shards: [{ member: 0 }] }); // what was reported stays
        expect(await repos.rounds.take(now(1))).toBe(true);
        expect(await repos.rounds.report(now(1), result(3))).toBe(true);
        expect((await repos.rounds.results(now(0))).map(({ loss }) => loss)).toEqual([1, 3]);
        const model = {
          kind: 'NETWORK' as const,
          parentId: null,
          dimensions: 2,
          checksum: 'c',
          artefact: Uint8Array.of(1),
          metrics: {},
        };
        await repos.models.commitTrained(fresh, model);
        expect(await repos.rounds.status(now(0))).toBeNull(); // training is over
        await repos.jobs.cancel(job.id);
      });
    });

    /** A version up to its evaluation, trained while `parentId` served. */
    const embedded = async (parentId: string | null) => {
      const job = await repos.jobs.create('RETRAIN', {}, 'test');
      const model = {
        kind: 'GOLDEN' as const,
        parentId,
        dimensions: 2,
        checksum: 'c',
        artefact: Uint8Array.of(1),
        metrics: {},
      };
      const made = await repos.models.commitTrained((await repos.jobs.claim(job.id, 'TRAIN'))!, model);
      await repos.models.commitEmbedded((await repos.jobs.claim(job.id, 'EMBED'))!, made.id);
      const evaluate = async (gates: Gate[] = []) =>
        repos.models.commitEvaluated((await repos.jobs.claim(job.id, 'EVALUATE'))!, made.id, {}, gates);
      return { job, made, evaluate };
    };

    test('promotion and rollback move one pointer, and only a standby version can come back', async () => {
      const promote = async () => {
        const { job, made, evaluate } = await embedded(null);
        await evaluate();
        expect(await repos.jobs.byId(job.id)).toMatchObject({ state: 'SUCCEEDED', progress: 1, modelId: made.id });
        return made;
      };
      const first = await promote();
      await expect(repos.models.rollback(null)).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK_TO' });
      const second = await promote();
      const before = await repos.models.serving();
      expect(before).toMatchObject({ modelId: second.id });
      expect(await repos.models.rollback(null)).toMatchObject({ id: first.id, state: 'ACTIVE' });
      expect(await repos.models.serving()).toMatchObject({ modelId: first.id, epoch: before!.epoch + 1 });
      await expect(repos.models.rollback(first.id)).rejects.toMatchObject({ code: 'MODEL_NOT_SERVABLE' });
      // Who found it retirable before the rollback comes too late: the next rollback takes it.
      expect([await repos.models.markRetired(first.id), await repos.models.markRetired(second.id)]).toEqual([
        false,
        false,
      ]);
      expect(await repos.models.rollback(null)).toMatchObject({ id: second.id });
      await expect(repos.models.rollback('mdl_none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('a version that was trained beside one that was rolled back since does not serve, and says why', async () => {
      const older = await embedded(null);
      await older.evaluate();
      const bad = await embedded(older.made.id);
      expect(await bad.evaluate()).toBe('ACTIVE');
      const child = await embedded(bad.made.id);
      await repos.models.rollback(null);
      expect(await child.evaluate()).toBe('REJECTED');
      expect(await repos.models.serving()).toMatchObject({ modelId: older.made.id });
      const reason = `trained while version ${bad.made.number} served, which was rolled back since`;
      const gates = [{ name: 'parent', passed: false, measured: true, reason }];
      expect(await repos.models.byId(child.made.id)).toMatchObject({ state: 'REJECTED', gates });
      // Forwards is no going back: it was compared with that one, too.
      const beside = await embedded(older.made.id);
      await repos.models.rollback(bad.made.id);
      expect(await beside.evaluate()).toBe('ACTIVE');
    });

    test('a red gate ends the job without serving the version, and its vectors are retired', async () => {
      const { made, evaluate } = await embedded(null);
      await repos.embeddings.createTable(made.number, pictureSpace(2));
      expect(await evaluate([{ name: 'spread', passed: false, measured: true, reason: 'all alike' }])).toBe('REJECTED');
      expect((await repos.models.serving())?.modelId).not.toBe(made.id);
      expect((await repos.models.retirable(5)).map(({ id }) => id)).toContain(made.id);
      expect(await repos.models.markRetired(made.id)).toBe(true);
      expect(await repos.models.retiredWithVectors()).toContainEqual(expect.objectContaining({ number: made.number }));
      await repos.embeddings.dropTables(made.number, [pictureSpace(2)]);
      await expect(repos.embeddings.vectors(made.number, ['p1'])).rejects.toThrow(VersionGone);
      expect(await repos.models.retiredWithVectors()).not.toContainEqual(
        expect.objectContaining({ number: made.number }),
      );
    });

    test('what an encoder saw is kept bit by bit, once, and goes with the last picture that has it', async () => {
      // Sizes of all orders that a float16 has, of both signs, zeros too: more of them than any feature is long.
      const bits = Uint16Array.from({ length: 4000 }, (_, i) => ((i * 37) % 0x7c00) + 0x8000 * (i % 2));
      await repos.products.write(product('p9', { images: ['/9.png'] }));
      const [image] = (await repos.images.claimPending(100, 60)).filter(({ productId }) => productId === 'p9');
      await repos.images.markReady(image!, { contentHash: 'seen', mime: 'image/png', width: 3, height: 4 });
      await repos.features.add(
        'eye',
        new Map([
          ['seen', bits],
          ['gone', bits.map((bit) => bit ^ 1)],
        ]),
      );
      await repos.features.add('eye', new Map([['seen', bits.toReversed()]]));
      await repos.features.add('other', new Map([['seen', Uint16Array.of(0x3c00)]]));
      expect([...(await repos.features.of('eye', ['seen', 'never']))]).toEqual([['seen', bits]]);
      expect([...(await repos.features.of('other', ['seen']))]).toEqual([['seen', Uint16Array.of(0x3c00)]]);
      expect(await repos.features.known('eye', ['seen', 'gone', 'never'])).toEqual(new Set(['seen', 'gone']));
      expect(await repos.features.anySeen('eye', 'default')).toEqual({ source: '/9.png', contentHash: 'seen' });
      expect(await repos.features.anySeen('nobody', 'default')).toBeNull();
      for (const hashes of [['seen', 'gone'], ['gone'], []]) await repos.features.addUnseen('blind', hashes);
      const unseen = (encoder: string) => repos.features.unseen(encoder, ['seen', 'gone', 'never']);
      expect([await unseen('blind'), await unseen('eye')]).toEqual([new Set(['seen', 'gone']), new Set()]);
      expect(await repos.features.names()).toEqual(expect.arrayContaining(['eye', 'other']));
      expect(await repos.features.forget('other', 1)).toBe(false); // there may be more
      expect(await repos.features.forget('other', 1)).toBe(true);
      expect(await repos.features.names()).not.toContain('other');
      expect(await repos.features.prune(100)).toBe(1);
      expect(await unseen('blind')).toEqual(new Set(['seen']));
      expect(await repos.features.known('eye', ['seen', 'gone'])).toEqual(new Set(['seen']));
    });

    test('every finite float16 is stored as what its decimals mean, and what is no number is refused', async () => {
      const finite = Uint16Array.from({ length: 2 * 0x7c00 }, (_, i) => (i < 0x7c00 ? i : i + 0x0400));
      const rows = new Map([0, 1, 2, 3].map((i) => [`${i}`, finite.slice(i * 15_872, (i + 1) * 15_872)]));
      await repos.features.add('all', rows);
      expect(new Map(await repos.features.of('all', [...rows.keys()]))).toEqual(rows);
      for (const [hash, row] of rows) {
        const text = `[${Array.from(fromHalf(row), (value) => (Object.is(value, -0) ? '-0' : String(value))).join()}]`;
        const [found] = await storage.prisma.$queryRaw<{ same: boolean }[]>`
          SELECT halfvec_send(vec) = halfvec_send(${text}::halfvec) AS same FROM simili.picture_feature
          WHERE encoder = 'all' AND content_hash = ${hash}`;
        expect(found).toEqual({ same: true });
      }
      for (const none of [0x7c00, 0xfc00, 0x7e00])
        await expect(repos.features.add('all', new Map([['none', Uint16Array.of(none)]]))).rejects.toThrow(
          'not allowed',
        );
      await repos.features.prune(100);
    });

    test('a vector is stored as it is, to its last bit', async () => {
      const NUMBER = 5001;
      await repos.products.write(product('exact', { images: [] }));
      await repos.embeddings.createTable(NUMBER, pictureSpace(6));
      const number = fc.float({ noNaN: true, noDefaultInfinity: true });
      const vector = fc.array(number, { minLength: 6, maxLength: 6 });
      const extreme = [-0, 2 ** -149, -(2 ** -126), Math.fround(3.4028234e38), 0.1, -1e-9].map(Math.fround);
      const property = fc.asyncProperty(vector, async (numbers) => {
        const sent = Float32Array.from(numbers);
        await repos.embeddings.upsert(NUMBER, [{ productId: 'exact', contentHash: 'h', vector: sent }]);
        const [found] = await storage.prisma.$queryRawUnsafe<{ hex: string }[]>(
          `SELECT encode(vector_send(vec), 'hex') AS hex FROM simili.embedding_${NUMBER}`,
        );
        const bytes = new DataView(new Uint8Array(Buffer.from(found!.hex, 'hex')).buffer, 4);
        expect(Float32Array.from({ length: 6 }, (_, i) => bytes.getFloat32(4 * i))).toEqual(sent);
      });
      await fc.assert(property, { numRuns: 20, examples: [[extreme]] });
      const notAll = { productId: 'exact', contentHash: 'h', vector: Float32Array.of(1, 2) };
      await expect(repos.embeddings.upsert(NUMBER, [notAll])).rejects.toThrow('expected 6 dimensions');
      await repos.embeddings.dropTables(NUMBER, [pictureSpace(2)]);
    });

    test('halves are measured by exact rankings of both kinds, and a version that keeps them says so', async () => {
      const random = makeRandom(8);
      const ids = Array.from({ length: 40 }, (_, i) => `half${i}`);
      for (const id of ids) await repos.products.write(product(id, { images: [] }));
      // Close together, so that float16 confuses some.
      const vectors = ids.map(() => unitOf(Array.from({ length: 6 }, () => 1 + 0.002 * random.gaussian())));
      const made = await storage.prisma.modelVersion.create({
        data: {
          catalogId: 'default',
          id: 'mdl_half',
          number: 5003,
          kind: 'GOLDEN',
          dimensions: 6,
          checksum: 'c',
          artefact: new Uint8Array(),
        },
      });
      await repos.embeddings.createTable(made.number, pictureSpace(6));
      await repos.embeddings.upsert(
        made.number,
        ids.map((productId, i) => ({ productId, contentHash: 'h', vector: vectors[i]! })),
      );
      const halves = vectors.map((row) => row.map((value) => fromHalf(toHalf([value]))[0]!));
      const squared = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
      const nearestOf = (rows: readonly Float32Array[], i: number) =>
        ids
          .map((id, j) => ({ id, j, d: squared(rows[i]!, rows[j]!) }))
          .filter(({ j }) => j !== i)
          .sort((a, b) => a.d - b.d || (a.id < b.id ? -1 : 1))
          .slice(0, 10);
      let confused = 0;
      for (const [i, id] of ids.entries()) {
        const { found, looked } = await repos.vectorStorage.recallOfHalves(made.number, id, 10);
        const right = new Set(nearestOf(vectors, i).map((one) => one.id));
        expect([found, looked]).toEqual([nearestOf(halves, i).filter((one) => right.has(one.id)).length, 10]);
        confused += 10 - found;
      }
      expect(confused).toBeGreaterThan(20);
      expect(await repos.vectorStorage.recallOfHalves(made.number, 'nobody', 10)).toEqual({ found: 0, looked: 0 });

      await repos.vectorStorage.commit(made, 'VECTOR', 0.5);
      expect(spacesOf((await repos.models.byId(made.id))!)).toMatchObject([{ storage: 'vector' }]);
      await repos.vectorStorage.commit(made, 'HALFVEC', 0.9);
      await repos.vectorStorage.commit(made, 'HALFVEC', 0.9); // a worker that lost its job may do it again
      expect(await repos.models.byId(made.id)).toMatchObject({
        storage: 'HALFVEC',
        metrics: { storage: { recall10: 0.9 } },
      });
      // What its index is of is chosen with it, and how far that looks is measured once it is built.
      expect(spacesOf((await repos.models.byId(made.id))!)).toEqual([pictureSpace(6, 'halfvec')]);
      await repos.vectorStorage.commit(made, 'HALFVEC', 0.9, 'binary');
      const version = { number: made.number, spaces: spacesOf((await repos.models.byId(made.id))!) };
      expect(version.spaces).toEqual([pictureSpace(6, 'halfvec', { isBinary: true })]);
      await repos.embeddings.upsert(made.number, [{ productId: 'half0', contentHash: 'h', vector: vectors[0]! }]);
      await repos.embeddings.createIndex(made.number, version.spaces[0]!);
      const measure = async () =>
        repos.vectorStorage.measureIndex((await repos.models.byId(made.id))!, new AbortController().signal);
      await measure();
      const measured = await repos.models.byId(made.id);
      expect(measured).toMatchObject({
        candidates: 200,
        metrics: { storage: { recall10: 0.9 }, index: { candidates: 200, recall10: 1 } },
      });
      expect(spacesOf(measured!)).toEqual([pictureSpace(6, 'halfvec', { isBinary: true, candidates: 200 })]);
      await storage.prisma.modelVersion.updateMany({ where: { id: made.id }, data: { candidates: 400 } });
      await measure(); // once
      expect(await repos.models.byId(made.id)).toMatchObject({ candidates: 400 });
      await repos.categoryIndexes.build(made.number, version.spaces[0]!); // of so few products none
      const [found] = await repos.search.nearestOfEach(version, ['half0'], {}, 10);
      const exact = nearestOf(halves, 0);
      expect(found!.neighbours.map(({ distance }) => distance)).toEqual(exact.map(({ d }) => expect.closeTo(d, 7)));
      expect((await repos.embeddings.vectors(made.number, ['half0'])).get('half0')).toEqual(halves[0]);
      // One that serves, or is about to, stays as it is.
      await storage.prisma.modelVersion.updateMany({ where: { id: made.id }, data: { state: 'CANDIDATE' } });
      await expect(repos.vectorStorage.commit(made, 'VECTOR', 0.5)).rejects.toThrow('no vectors');
      await repos.embeddings.dropTables(made.number, [pictureSpace(6)]);
      await storage.prisma.modelVersion.deleteMany({ where: { id: made.id } });
      await repos.products.remove(ids);
    });

    test('a product needs its vector anew when any of its decoded pictures is another one, in whatever order they come', async () => {
      const NUMBER = 5000;
      await repos.embeddings.createTable(NUMBER, pictureSpace(2));
      await repos.products.write(product('several', { images: ['/a.png', '/b.png', '/c.png'] }));
      await repos.products.write(product('single', { images: ['/d.png'] }));
      const own = (await repos.images.claimPending(100, 60)).filter(({ source }) => /^\/[abcd]\.png$/.test(source));
      const ready = (source: string, contentHash: string) => {
        const { id, reading } = own.find((image) => image.source === source)!;
        return repos.images.markReady({ id, reading }, { contentHash, mime: 'image/png', width: 3, height: 4 });
      };
      const missing = async () => {
        const rows = await repos.embeddings.missing(NUMBER, 100);
        const others = rows.filter(({ productId }) => productId !== 'several' && productId !== 'single').length;
        expect(await repos.embeddings.countMissing(NUMBER)).toBe(rows.length);
        const found = rows.slice().filter(({ productId }) => productId === 'several' || productId === 'single');
        expect(found).toHaveLength(rows.length - others);
        const vector = Float32Array.of(1, 0);
        await repos.embeddings.upsert(
          NUMBER,
          found.map(({ productId, contentHash }) => ({ productId, contentHash, vector })),
        );
        return found.map(({ productId, pictures }) => [
          productId,
          ...pictures.map((one) => `${one.source} ${one.contentHash}`),
        ]);
      };
      await ready('/c.png', 'c1');
      expect(await missing()).toEqual([]); // not before its first picture
      const before = await repos.vectorStorage.sample(100);
      await ready('/a.png', 'a1');
      await ready('/d.png', 'd1');
      expect((await repos.vectorStorage.sample(100)).filter((id) => !before.includes(id)).sort()).toEqual([
        'several',
        'single',
      ]);
      expect(await repos.vectorStorage.sample(1)).toHaveLength(1);
      expect(await missing()).toEqual([
        ['several', '/a.png a1', '/c.png c1'],
        ['single', '/d.png d1'],
      ]);
      expect(await missing()).toEqual([]);
      await ready('/b.png', 'b1');
      expect(await missing()).toEqual([['several', '/a.png a1', '/b.png b1', '/c.png c1']]);
      await ready('/c.png', 'c2');
      expect(await missing()).toEqual([['several', '/a.png a1', '/b.png b1', '/c.png c2']]);
      await repos.images.reopen('/b.png');
      expect(await missing()).toEqual([['several', '/a.png a1', '/c.png c2']]);
      expect((await repos.embeddings.missing(NUMBER, 100, 'single')).map(({ productId }) => productId)).not.toContain(
        'single',
      );
      await repos.embeddings.dropTables(NUMBER, [pictureSpace(2)]);
      await repos.products.remove(['several', 'single']);
    });

    test('what another version has no vector of is lost, and settled where its picture was asked for in vain', async () => {
      const [SERVING, CANDIDATE] = [5003, 5004];
      for (const number of [SERVING, CANDIDATE]) await repos.embeddings.createTable(number, pictureSpace(2));
      const ids = ['kept', 'late', 'away', 'asked', 'gone'];
      for (const id of ids) await repos.products.write(product(id, { images: [`/${id}.png`] }));
      await repos.products.write(product('bare', { images: [] }));
      const put = (number: number, own: readonly string[]) =>
        repos.embeddings.upsert(
          number,
          own.map((productId) => ({ productId, contentHash: 'any', vector: Float32Array.of(1, 0) })),
        );
      await put(SERVING, [...ids, 'bare']);
      await put(CANDIDATE, ['kept', 'other']);
      const update = (id: string, data: object) =>
        storage.prisma.productImage.updateMany({ where: { source: `/${id}.png` }, data });
      await update('late', { state: 'READY', contentHash: 'late', attempts: 9 });
      await update('away', { state: 'FAILED', retryAt: new Date(), attempts: 2 });
      await update('asked', { state: 'PENDING', attempts: 3 });
      await update('gone', { state: 'FAILED', attempts: 1 });
      expect(await repos.embeddings.coverage(CANDIDATE, SERVING, 3)).toEqual({ served: 5, lost: 4, settled: 2 });
      // Nor of what its encoder gives no numbers for, which it does not lack.
      const lacking = (eyes: string[]) => repos.embeddings.lacking(CANDIDATE, 'pictures', 'pictures', ids, eyes);
      await repos.features.addUnseen('eye', ['late']);
      expect([await lacking([]), await lacking(['other']), await lacking(['other', 'eye'])]).toEqual([
        ['late'],
        ['late'],
        [],
      ]);
      const settled = { served: 5, lost: 4, settled: 3 };
      expect(await repos.embeddings.coverage(CANDIDATE, SERVING, 3, ['eye'])).toEqual(settled);
      for (const number of [SERVING, CANDIDATE]) await repos.embeddings.dropTables(number, [pictureSpace(2)]);
      await expect(repos.embeddings.coverage(CANDIDATE, SERVING, 3)).rejects.toThrow('no vectors');
      await repos.products.remove([...ids, 'bare']);
    });

    test('a product without a picture loses its vectors, copies too, and no other one does', async () => {
      const NUMBER = 5005;
      await repos.embeddings.createTable(NUMBER, pictureSpace(2));
      await repos.products.write(product('bare', { images: [] }));
      await repos.products.write(product('shown', { images: ['/shown.png'] })); // which is still to be decoded
      const ids = ['bare', 'shown'];
      const put = () =>
        repos.embeddings.upsert(
          NUMBER,
          ids.map((productId) => ({ productId, contentHash: 'any', vector: Float32Array.of(1, 0) })),
        );
      const left = async () => [...(await repos.embeddings.vectors(NUMBER, ids)).keys()];
      await put();
      await repos.embeddings.removeUnpictured(NUMBER, 'pictures', ['shown']);
      expect((await left()).sort()).toEqual(ids);
      await repos.embeddings.removeUnpictured(NUMBER, 'pictures', ids);
      expect(await left()).toEqual(['shown']);
      // As src/db/category-indexes.ts has them.
      const copies = `simili.category_${NUMBER}`;
      await storage.prisma.$executeRawUnsafe(`CREATE TABLE ${copies} (product_id TEXT, category INTEGER)`);
      await storage.prisma.$executeRawUnsafe(`INSERT INTO ${copies} VALUES ('bare', 1), ('shown', 1)`);
      const data = { catalogId: 'default', vectors: `embedding_${NUMBER}`, number: 1, category: 'all' };
      await storage.prisma.categoryIndex.create({ data });
      await put();
      await repos.embeddings.removeUnpictured(NUMBER, 'pictures', ids);
      expect(await left()).toEqual(['shown']);
      expect(await storage.prisma.$queryRawUnsafe(`SELECT product_id FROM ${copies}`)).toEqual([
        { product_id: 'shown' },
      ]);
      await repos.embeddings.dropTables(NUMBER, [pictureSpace(2)]);
      await expect(repos.embeddings.removeUnpictured(NUMBER, 'pictures', ids)).rejects.toThrow(VersionGone);
      await repos.products.remove(ids);
    });

    describe('the queue of products whose vectors may be out of date', () => {
      const ours = ['q1', 'q2'];
      const all = async () => (await repos.vectorQueue.take(1000)).filter(({ productId }) => ours.includes(productId));
      /** Takes what is due, and puts it out. @returns what it was */
      const drained = async (): Promise<string[]> => {
        const taken = await all();
        await repos.vectorQueue.done(taken);
        return taken.map(({ productId }) => productId).sort();
      };
      const pictureOf = (source: string) => storage.prisma.productImage.findFirstOrThrow({ where: { source } });
      const ready = async (source: string, contentHash: string) =>
        repos.images.markReady(await pictureOf(source), { contentHash, mime: 'image/png', width: 3, height: 4 });
      const due = () => storage.prisma.queuedProduct.updateMany({ data: { dueAt: new Date(0) } });

      test('whatever a vector may follow from puts its product in, in the same commit; nothing else does', async () => {
        await repos.products.write(product('q1', { images: ['/q1.png', '/q1b.png'] }));
        await repos.products.write(product('q2', { images: ['/q2.png'] }));
        expect(await drained()).toEqual(['q1', 'q2']);
        await repos.images.claimPending(100, 60);
        await repos.images.postpone(await pictureOf('/q1.png'), 0);
        await repos.products.write(product('q1', { images: ['/q1.png', '/q1b.png'] }));
        expect(await drained()).toEqual([]);
        await ready('/q1.png', 'one');
        expect(await drained()).toEqual(['q1']);
        await ready('/q1.png', 'one');
        await repos.images.markChecked(await pictureOf('/q1.png'), null);
        expect(await drained()).toEqual([]);
        await ready('/q1.png', 'two');
        await repos.products.write(product('q2', { images: ['/q2.png'], title: 'new', fingerprint: 'q2-1' }));
        expect(await drained()).toEqual(['q1', 'q2']);
        await ready('/q1b.png', 'three');
        expect(await drained()).toEqual(['q1']);
        await repos.images.reopen('/q1b.png');
        expect(await drained()).toEqual(['q1']);
        await ready('/q1b.png', 'three');
        await drained();
        const taken = storage.prisma.$transaction(async (tx) => {
          await tx.productImage.deleteMany({ where: { source: '/q1b.png' } });
          throw new Error('taken back');
        });
        await expect(taken).rejects.toThrow('taken back');
        expect(await drained()).toEqual([]);
        await storage.prisma.productImage.deleteMany({ where: { source: '/q1b.png' } });
        expect(await drained()).toEqual(['q1']);
      });

      test('who takes a product has it for half a minute, then twice as long, up to an hour; a change begins anew', async () => {
        await repos.images.reopen('/q1.png');
        const seconds = async () => {
          const [row] = await storage.prisma.$queryRaw<{ s: number }[]>`
            SELECT round(extract(epoch FROM due_at - now()))::int AS s FROM simili.vector_queue WHERE product_id = 'q1'`;
          return row!.s;
        };
        const waits: number[] = [];
        for (let i = 0; i < 9; i++, await due()) {
          expect(await repos.vectorQueue.isDue()).toBe(true);
          expect((await all()).map(({ productId }) => productId)).toEqual(['q1']);
          expect(await all()).toEqual([]);
          waits.push(await seconds());
        }
        const wanted = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        for (const [i, wait] of waits.entries()) expect(Math.abs(wait - wanted[i]!)).toBeLessThan(10);
        const before = await all();
        await ready('/q1.png', 'four');
        await repos.vectorQueue.giveBack(before); // it changed since: neither this nor the next has to do with it
        await repos.vectorQueue.done(before);
        const [again] = await all();
        expect(Math.abs((await seconds()) - 30)).toBeLessThan(10);
        await repos.vectorQueue.giveBack([again!]);
        expect(await all()).toEqual([again]);
        for (let i = 0; i < 20; i++) {
          const backAndTaken = await storage.prisma.$transaction(async (tx) => {
            const queue = new VectorQueue(tx as PrismaClient, 'default');
            await queue.giveBack([again!]);
            return queue.take(1000); // at the very moment that it was given back
          });
          expect(backAndTaken, 'a moment that is rounded up is not due yet').toContainEqual(again);
        }
        await repos.vectorQueue.done([again!]);
        await due();
        expect(await all()).toEqual([]);
      });

      test('a product lacks a vector of what its encoder reads; of an encoder that nobody knows, of anything', async () => {
        const NUMBER = 5002;
        const words = { ...pictureSpace(2), name: 'words' };
        for (const space of [pictureSpace(2), words]) await repos.embeddings.createTable(NUMBER, space);
        const lacking = async () =>
          Promise.all(
            (
              [
                ['pictures', 'pictures'],
                ['words', 'product'],
                ['words', 'pictures'],
                ['words', null],
              ] as const
            ).map(async ([space, input]) => (await repos.embeddings.lacking(NUMBER, space, input, ours)).sort()),
          );
        expect(await lacking()).toEqual([['q1'], ['q1', 'q2'], ['q1'], ['q1', 'q2']]); // q2 has no decoded picture
        const vector = Float32Array.of(1, 0);
        const put = (productId: string, contentHash: string, space = pictureSpace(2)) =>
          repos.embeddings.upsert(NUMBER, [{ productId, contentHash, vector }], space);
        await put('q1', 'old');
        await put('q1', 'q1-0', words);
        await put('q2', 'q2-1', words);
        expect(await lacking()).toEqual([['q1'], [], ['q1'], []]);
        await put('q1', 'four');
        await put('q1', 'four', words);
        expect(await lacking()).toEqual([[], ['q1'], [], []]);
        await drained();
        for (const [space, input, found] of [
          ['pictures', 'pictures', []],
          ['words', 'product', ['q1']],
        ] as const) {
          await repos.embeddings.queueMissing(NUMBER, space, input);
          expect(await drained()).toEqual(found);
          expect(await repos.embeddings.lacking(NUMBER, space, input, ours)).toEqual(found);
        }
        await repos.embeddings.dropTables(NUMBER, [pictureSpace(2), words]);
        await expect(repos.embeddings.lacking(NUMBER, 'words', null, ['q1'])).rejects.toThrow('no vectors');
        await repos.products.remove(ours); // with their pictures, of which one is decoded
        await due();
        expect(await all()).toEqual([]);
      });
    });

    describe('feedback', () => {
      const soon = () => new Date(Date.now() + 60_000);
      const event = (kind: FeedbackKind, itemIds: string[], more: Partial<FeedbackWrite> = {}): FeedbackWrite => ({
        eventId: crypto.randomUUID(),
        kind,
        anchorId: 'f0',
        itemIds,
        positions: itemIds.map((_, i) => i + 1),
        modelId: 'm',
        occurredAt: new Date(),
        listId: crypto.randomUUID(),
        listedAt: new Date(),
        listExpiresAt: soon(),
        filtered: false,
        ...more,
      });
      const statistics = async (anchor: string) =>
        (await makeRepositories({ ...storage, worth: UNFADING }, 'default').feedback.days.statistics(soon())).filter(
          ({ anchorId }) => anchorId === anchor,
        );
      const forget = () => storage.prisma.feedbackEvent.deleteMany();
      beforeEach(forget);

      test('an event counts once, however often and together with whatever it is sent', async () => {
        const [a, b] = [event('CLICK', ['p2'], { positions: [3] }), event('CLICK', ['p2'], { positions: [3] })];
        expect(await repos.feedback.append('v', [a])).toEqual({ stored: 1, full: [] });
        expect(await repos.feedback.append('v', [a, b, b])).toEqual({ stored: 1, full: [] });
        expect(await statistics('f0')).toEqual([
          { anchorId: 'f0', itemId: 'p2', position: 3, placement: 'default', impressions: 0, clicks: 1, value: 1 },
        ]);
      });

      test('what is stored is what was sent: text, lists and times', async () => {
        const ids = ['a,b', '{"c"}', "d'\\e", 'NULL', ' ü😀 '];
        const seen = event('IMPRESSION', ids, { anchorId: '"f,0"', filtered: true, placement: 'cart' });
        const bought = event('PURCHASE', ['x'], { positions: [7] });
        await repos.feedback.append('v "1"', [seen, bought]);
        const rows = await storage.prisma.feedbackEvent.findMany({ orderBy: { kind: 'asc' } });
        for (const [i, { listExpiresAt: _, ...sent }] of [seen, bought].entries())
          expect(rows[i]).toEqual({
            placement: 'default',
            ...sent,
            catalogId: 'default',
            visitorId: 'v "1"',
            receivedAt: expect.any(Date),
            withoutList: false,
          });
      });

      test('twenty senders of the same events at once store each of them once', async () => {
        const events = Array.from({ length: 30 }, () => event('CLICK', ['p2']));
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) => repos.feedback.append('v', i % 2 ? [...events].reverse() : events)),
        );
        expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(30);
      });

      test('of one list the first ten visitors are taken, also when more come at once, until it has expired', async () => {
        const listId = crypto.randomUUID();
        const from = (i: number) =>
          repos.feedback.append(`v${i}`, [event('CLICK', ['p2'], { listId }), event('CLICK', ['p3'])]);
        const results = await Promise.all(Array.from({ length: 15 }, (_, i) => from(i)));
        const taken = results.flatMap(({ full }, i) => (full.length === 0 ? [i] : []));
        expect(taken).toHaveLength(10);
        expect(results.filter(({ stored, full }) => stored === 1 && full[0] === listId)).toHaveLength(5);
        expect(await from(taken[0]!)).toEqual({ stored: 2, full: [] });
        expect(await from(99)).toEqual({ stored: 1, full: [listId] });
        await repos.feedback.forgetLists(new Date());
        expect(await from(99)).toEqual({ stored: 1, full: [listId] });
        await repos.feedback.forgetLists(new Date(Date.now() + 120_000));
        expect(await storage.prisma.shownList.count()).toBe(0);
      });

      test('any positive action is a choice, once an impression; votes are by the day of receipt', async () => {
        const day = (n: number) => new Date(Date.now() - n * 86_400_000);
        const acts = (item: string, ...kinds: FeedbackKind[]) => kinds.map((kind) => event(kind, [item]));
        await repos.feedback.append('v', [
          ...acts('p1', 'IMPRESSION', 'PURCHASE'),
          ...acts('p2', 'CLICK', 'ADD_TO_CART'),
          ...acts('p3', 'DISMISS'),
          ...[1, 5, 29].map((n) => event('CLICK', ['p2'], { occurredAt: day(n) })), // the sender's days do not count
        ]);
        expect(await statistics('f0')).toMatchObject(
          [
            { itemId: 'p1', impressions: 10 / 11, clicks: 10 / 11, value: 60 / 11 },
            { itemId: 'p2', impressions: 0, clicks: 10 / 11, value: 40 / 11 },
            { itemId: 'p3', impressions: 0, clicks: 0, value: -10 / 11 },
          ].map((row) => ({ ...row, ...rounded(row) })),
        );
      });

      test('a list under own filters weighs half, and one visitor no more than two purchases in all', async () => {
        await repos.feedback.append('v', [event('CLICK', ['p1'], { filtered: true })]);
        expect(await statistics('f0')).toMatchObject([{ clicks: 0.5, value: 0.5 }]);
        await forget();
        const everywhere = Array.from({ length: 50 }, (_, i) => event('PURCHASE', [`p${i}`], { anchorId: `f${i}` }));
        await repos.feedback.append('greedy', everywhere);
        await repos.feedback.append('one', [event('PURCHASE', ['p1'], { anchorId: 'f1' })]);
        expect(await statistics('f1')).toMatchObject([{ value: 6 + 20 / 50 }]);
        await forget();
        await repos.feedback.append(
          'stubborn',
          Array.from({ length: 5 }, (_, i) => event('PURCHASE', [`p${i}`])),
        );
        expect((await statistics('f0')).map(({ value }) => value)).toEqual(Array(5).fill(2));
      });

      test('an event without a list goes under the last list in which its product was chosen, else seen, in the 30 days before', async () => {
        for (const id of ['w1', 'w2', 'w3', 'w4']) await repos.products.write(product(id));
        const day = (n: number) => new Date(Date.now() - n * 86_400_000);
        const without = (itemId: string, kind: FeedbackKind = 'PURCHASE', occurredAt = new Date()) => ({
          eventId: crypto.randomUUID(),
          kind,
          itemId,
          occurredAt,
        });
        await repos.feedback.append('v', [
          event('CLICK', ['w1'], {
            anchorId: 'f1',
            positions: [4],
            occurredAt: day(2),
            filtered: true,
            placement: 'cart',
          }),
          event('IMPRESSION', ['w3', 'w1'], { anchorId: 'f2', positions: [5, 6], occurredAt: day(1) }),
          event('IMPRESSION', ['w3'], { anchorId: 'f3', positions: [7], occurredAt: day(3) }),
          event('DISMISS', ['w4'], { anchorId: 'f4' }),
          event('CLICK', ['w2'], { anchorId: 'f5', occurredAt: day(30.5) }),
        ]);
        await repos.feedback.append('other', [event('CLICK', ['w4'])]);
        const sent = [without('w1'), without('w2'), without('w3', 'VIEW'), without('w4'), without('nowhere')];
        expect(await repos.feedback.appendWithoutList('v', sent)).toEqual({ stored: 4, unknown: ['nowhere'] });
        expect(await repos.feedback.appendWithoutList('v', sent)).toMatchObject({ stored: 0 });
        expect(await repos.feedback.appendWithoutList('v', [without('w3', 'VIEW', day(2))])).toMatchObject({
          stored: 1,
        });
        const rows = await storage.prisma.feedbackEvent.findMany({
          where: { withoutList: true },
          orderBy: [{ itemIds: 'asc' }, { occurredAt: 'desc' }],
        });
        const told = rows.map((row) => [
          row.itemIds[0],
          row.kind,
          row.anchorId,
          row.positions,
          row.filtered,
          row.placement,
        ]);
        expect(told).toEqual([
          ['w1', 'PURCHASE', 'f1', [4], true, 'cart'],
          ['w2', 'PURCHASE', null, [], false, 'default'],
          ['w3', 'VIEW', 'f2', [5], false, 'default'],
          ['w3', 'VIEW', 'f3', [7], false, 'default'],
          ['w4', 'PURCHASE', null, [], false, 'default'],
        ]);
        expect(await statistics('f1')).toMatchObject([{ itemId: 'w1', position: 4, value: 0.5 * (1 + 6) }]);
        expect((await statistics('f2')).find(({ itemId }) => itemId === 'w3')).toMatchObject({
          impressions: 1,
          clicks: 1,
          value: 1,
        });
        await repos.products.remove(['w1', 'w2', 'w3', 'w4']);
      });

      test('a bot of a day that is over is put into quarantine when the day is rolled up', async () => {
        for (let i = 0; i < 20; i++) await repos.feedback.append(`v${i}`, [event('CLICK', ['p1'], { anchorId: 'f9' })]);
        await repos.feedback.append(
          'crawler',
          Array.from({ length: 31 }, (_, i) => event('CLICK', [`p${i}`], { anchorId: 'f9' })),
        );
        await storage.prisma.feedbackEvent.updateMany({ data: { receivedAt: new Date(Date.now() - 2 * 86_400_000) } });
        expect(await statistics('f9')).toMatchObject([{ itemId: 'p1', clicks: 20 }]);
        const [found, ...others] = await repos.quarantines.newest(10, null, 'crawler');
        expect(found).toMatchObject({ rule: 'rate', reason: '31 clicks within a minute', events: 31 });
        expect(others).toEqual([]);
      });

      test('one visitor has seen no more than a thousand things: who saw two thousand has half a look at each', async () => {
        const items = Array.from({ length: 50 }, (_, i) => `p${i}`);
        const lists = Array.from({ length: 40 }, (_, i) => event('IMPRESSION', items, { anchorId: `f${i}` }));
        await repos.feedback.append('insatiable', lists);
        expect((await statistics('f0')).map(({ impressions }) => impressions)).toEqual(Array(50).fill(0.5));
      });
    });

    test('a rating is stored once, and the newest answer to a question is kept', async () => {
      const rating = (anchorId: string, positiveId: string, negativeId: string) => ({
        anchorId,
        positiveId,
        negativeId,
      });
      const stored = () => repos.ratings.upTo(new Date(Date.now() + 1000));
      expect(await repos.ratings.append([rating('p1', 'p2', 'p3'), rating('p2', 'p1', 'p3')])).toBe(2);
      expect(await repos.ratings.append([rating('p1', 'p2', 'p3'), rating('p0', 'p2', 'p3')])).toBe(1);
      expect(await stored()).toEqual([rating('p0', 'p2', 'p3'), rating('p1', 'p2', 'p3'), rating('p2', 'p1', 'p3')]);
      expect(await repos.ratings.append([rating('p1', 'p3', 'p2')])).toBe(1);
      expect(await stored()).toEqual([rating('p0', 'p2', 'p3'), rating('p1', 'p3', 'p2'), rating('p2', 'p1', 'p3')]);
      expect(await repos.ratings.upTo(new Date(0))).toEqual([]);
    });

    describe('search', () => {
      const ids = Array.from({ length: 300 }, (_, i) => `s${String(i).padStart(3, '0')}`);
      const vectorOf = new Map(ids.map((id, i) => [id, unit(i)]));
      const MODEL = 900;
      const statementFor = (anchorIds: string[], way: Way, filter: SearchFilter = {}) =>
        searchStatement(
          {
            catalogId: 'default',
            model: MODEL,
            spaces: [pictureSpace(8)],
            anchorIds,
            filter,
            limit: 13,
            behind: null,
            effort: 100,
            goesOn: true,
            mostPassing: null,
          },
          way,
        );
      const nearest = async (
        anchor: string,
        filter: SearchFilter,
        limit: number,
        behind?: Behind | null,
        most = 2000,
      ) =>
        (await nearestTo(new SearchRepository(storage.ask, 'default', most), MODEL, anchor, filter, limit, behind))
          .neighbours;
      beforeAll(async () => {
        for (const [i, id] of ids.entries()) {
          await repos.products.write(
            product(id, {
              categories: [`c${i % 7}`],
              price: `${i}.00`,
              currency: 'EUR',
              available: i % 3 > 0,
              images: i === 1 ? ['/pictures/second.png'] : [],
            }),
          );
        }
        await repos.embeddings.createTable(MODEL, pictureSpace(8));
        await repos.embeddings.upsert(
          MODEL,
          ids.map((id) => ({ productId: id, contentHash: 'h', vector: vectorOf.get(id)! })),
        );
        await repos.embeddings.createIndex(MODEL, pictureSpace(8));
      });

      test('what was written is in the indexes of filters at once, and in no list that every filter reads until a vacuum', async () => {
        const indexes = ['product_categories_idx', 'product_tags_idx'];
        await repos.products.write(product('s000', { categories: ['c0', 'written'], tags: ['written'] }));
        const waiting = indexes.map((name) => `gin_clean_pending_list('simili.${name}')::int AS ${name}`);
        const [row] = await storage.prisma.$queryRawUnsafe<object[]>(`SELECT ${waiting.join(', ')}`);
        expect(row).toEqual({ product_categories_idx: 0, product_tags_idx: 0 });
        await repos.products.write(
          product('s000', { categories: ['c0'], price: '0.00', currency: 'EUR', available: false }),
        );
      });

      test('equals brute force under any filter and page: full whenever enough products pass, exact, never the anchor', async () => {
        const filters = fc.record(
          {
            available: fc.boolean(),
            categories: fc.uniqueArray(fc.constantFrom('c0', 'c1', 'c6', 'none'), { minLength: 1, maxLength: 2 }),
            minPrice: fc.integer({ min: 0, max: 300 }).map(String),
            maxPrice: fc.integer({ min: 0, max: 300 }).map(String),
            excludeIds: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 40 }),
          },
          { requiredKeys: [] },
        );
        const passes = (id: string, i: number, f: typeof filters extends fc.Arbitrary<infer F> ? F : never) =>
          (f.available === undefined || f.available === i % 3 > 0) &&
          (!f.categories || (f.categories as string[]).includes(`c${i % 7}`)) &&
          (f.minPrice === undefined || i >= Number(f.minPrice)) &&
          (f.maxPrice === undefined || i <= Number(f.maxPrice)) &&
          !f.excludeIds?.includes(id);
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(...ids),
            filters,
            fc.integer({ min: 1, max: 50 }),
            fc.integer({ min: 0, max: 60 }),
            fc.constantFrom(20, 2000), // of what passes, more are ranked by the index
            async (anchor, filter, limit, offset, most) => {
              const expected = ids
                .filter((id, i) => id !== anchor && passes(id, i, filter))
                .map((id) => ({ id, distance: distance(vectorOf.get(anchor)!, vectorOf.get(id)!) }))
                .sort((a, b) => a.distance - b.distance)
                .slice(offset, offset + limit);
              const before = offset ? await nearest(anchor, filter, offset, null, most) : [];
              const found = await nearest(anchor, filter, limit, before.at(-1), most);
              expect(found.length).toBe(expected.length);
              found.forEach(({ productId, distance: d }, i) => {
                expect(productId).toBe(expected[i]!.id);
                expect(d).toBeCloseTo(expected[i]!.distance, 4);
              });
            },
          ),
          { numRuns: 60 },
        );
      });

      test('pictures are looked up only for whoever asks for them, and change nothing else of a list', async () => {
        const asked: string[] = [];
        const counted = new SearchRepository((statement, values) => {
          asked.push(statement.text);
          return storage.ask(statement, values);
        }, 'default');
        const version = { number: MODEL, spaces: [pictureSpace(8)] };
        const picturesOf = async (filter: SearchFilter, pictures?: boolean) => {
          const how = pictures === undefined ? {} : { parts: { pictures } };
          const [list] = await counted.nearestOfEach(version, ['s000'], filter, 50, null, how);
          return list!.neighbours.map(({ product: { image, ...rest } }) => ({ rest, source: image?.source }));
        };
        for (const filter of [{}, { categories: ['c1'] }]) {
          const usual = await picturesOf(filter);
          const without = await picturesOf(filter, false);
          expect(without.map(({ rest }) => rest)).toEqual(usual.map(({ rest }) => rest));
          expect(without.every(({ source }) => source === undefined)).toBe(true);
          expect(asked.at(-1)).not.toMatch('product_image');
          expect(await picturesOf(filter, true)).toEqual(usual);
        }
        const few = await picturesOf({ categories: ['c1'], maxPrice: '1.00' }, true);
        expect(few.map(({ source }) => source)).toEqual(['/pictures/second.png']);
      });

      test('so are categories and tags', async () => {
        const search = new SearchRepository(storage.ask, 'default');
        const version = { number: MODEL, spaces: [pictureSpace(8)] };
        for (const filter of [{}, { categories: ['c1'] }]) {
          const [usual] = await search.nearestOfEach(version, ['s000'], filter, 50);
          const [without] = await search.nearestOfEach(version, ['s000'], filter, 50, null, {
            parts: { labels: false },
          });
          expect(usual!.neighbours.some(({ product }) => product.categories.includes('c1'))).toBe(true);
          const bare = usual!.neighbours.map((one) => ({
            ...one,
            product: { ...one.product, categories: [], tags: [] },
          }));
          expect(without).toEqual({ anchor: 'ranked', neighbours: bare });
        }
      });

      test('of a ranking what is near to nothing before it, nor to an anchor, stays; of what is not known everything does', async () => {
        const within = 0.9;
        const near = (one: string, other: string) =>
          Math.sqrt(squaredDistance(pictureSpace(8), vectorOf.get(one)!, vectorOf.get(other)!)) < within;
        const [anchorIds, ranked] = [['s000', 's001', 'nobody'], ids.slice(2, 90)];
        const listed = ranked.filter((id) => !near(id, 's000') && !near(id, 's001'));
        const right = listed.filter((id, i) => !listed.slice(0, i).some((one) => near(one, id)));
        expect([listed.length < ranked.length, right.length < listed.length]).toEqual([true, true]);
        const compared = { ids: [...ranked, 'unknown'], known: 0, limit: 100, distances: null, anchorIds, within };
        const found = await repos.embeddings.distinct(MODEL, compared);
        expect([...found]).toEqual([...right, 'unknown']);
        const some = await repos.embeddings.distinct(MODEL, { ...compared, known: 1, limit: 2 });
        expect([...some]).toEqual(right.filter((id) => id !== ranked[0]).slice(0, 2));
      });

      test('pages of several anchors are one statement, each what it is alone', async () => {
        const asked: string[] = [];
        const counted = new SearchRepository((statement, values) => {
          asked.push(statement.text);
          return storage.ask(statement, values);
        }, 'default');
        const anchors = ['s003', 'nobody', 's200', 's003'];
        const filter = { categories: ['c0', 'c1'] };
        const together = await counted.nearestOfEach({ number: MODEL, spaces: [pictureSpace(8)] }, anchors, filter, 6);
        expect(asked).toHaveLength(1);
        for (const [i, anchor] of anchors.entries())
          expect(together[i]).toEqual(await nearestTo(repos.search, MODEL, anchor, filter, 6));
        expect(together[0]!.neighbours).toHaveLength(6);
        expect(together[1]).toEqual({ anchor: 'unknown', neighbours: [] });
      });

      test('that very many products pass a filter is found out once', async () => {
        const asked: string[] = [];
        const counted = new SearchRepository(
          (statement, values) => {
            const { text } = statement;
            asked.push(
              /FROM passing/.test(text)
                ? 'one by one'
                : /\+ 0 AS l2/.test(text)
                  ? 'all'
                  : /TABLESAMPLE/.test(text)
                    ? 'a sample'
                    : /category_index/.test(text)
                      ? 'indexes of categories'
                      : 'by the index',
            );
            return storage.ask(statement, values);
          },
          'default',
          20,
        );
        await nearestTo(counted, MODEL, 's001', { categories: ['c0'] }, 5);
        await nearestTo(counted, MODEL, 's001', { categories: ['c0'], excludeIds: ['s007'] }, 5);
        await nearestTo(counted, MODEL, 's001', { categories: ['none'] }, 5);
        expect(asked.splice(0)).toEqual([
          'indexes of categories',
          'one by one',
          'a sample',
          'by the index',
          'by the index',
          'one by one',
        ]);
        // A page that the index cannot fill, also when it goes on, is ranked exactly.
        expect((await nearestTo(counted, MODEL, 's001', { categories: ['c0'] }, 50)).neighbours.length).toBeGreaterThan(
          40,
        );
        expect(asked).toEqual(['by the index', 'by the index', 'all']);
      });

      test('a page has what the catalog says of its products', async () => {
        const { neighbours } = await nearestTo(repos.search, MODEL, 's000', {}, 3);
        const rows = await repos.products.byIds(neighbours.map(({ productId }) => productId));
        for (const { product } of neighbours) expect(rows).toContainEqual(product);
      });

      test('an anchor without a vector has no neighbours, and a deleted product leaves the search', async () => {
        expect(await nearestTo(repos.search, MODEL, 'nobody', {}, 10)).toEqual({ anchor: 'unknown', neighbours: [] });
        await repos.products.write(product('cold', { images: [] }));
        expect(await nearestTo(repos.search, MODEL, 'cold', {}, 10)).toEqual({ anchor: 'cold', neighbours: [] });
        const [first] = await nearest('s000', {}, 1);
        const gone = first!.productId;
        await repos.products.remove([gone]);
        expect((await nearest('s000', {}, 5)).map(({ productId }) => productId)).not.toContain(gone);
        await repos.embeddings.upsert(MODEL, [{ productId: gone, contentHash: 'h', vector: unit(1) }]);
        expect((await repos.embeddings.vectors(MODEL, [gone])).size).toBe(0);
      });

      test.each([
        ['one', ['nobody']],
        ['several', ['nobody', 'unheard of']],
      ])('nothing is ranked for %s without a vector', async (_, anchorIds) => {
        const { statement, values } = statementFor(anchorIds, TIES[0]!);
        const plan = await storage.ask(
          { text: `EXPLAIN ANALYZE ${statement.text}`, row: { 'QUERY PLAN': text } },
          values,
        );
        const ranking = plan.map((line) => line['QUERY PLAN']).filter((line) => / on embedding_\d+ e /.test(line));
        expect(ranking).toEqual([expect.stringContaining('never executed')]);
      });

      test.each([
        ['without a filter', TIES[0]!, {}],
        ['under a filter', 'passing' as const, { categories: ['c0'] }],
        ['of a small catalog', 'exact' as const, {}],
      ])('pages of one product %s are planned once a session', async (_, way, filter) => {
        const { statement } = statementFor(['s000'], way, filter);
        for (let i = 0; i < 7; i++) await storage.ask(statement, statementFor([`s00${i}`], way, filter).values);
        const plans = 'SELECT custom_plans::int AS custom FROM pg_prepared_statements WHERE name = $1';
        // Postgres tries five plans with the values before it takes the one without.
        const found = await storage.ask({ text: plans, row: { custom: int } }, [statement.name]);
        expect(found).toEqual([{ custom: 5 }]);
      });

      test('reads the HNSW index, not the table, where the database indexes so few', async () => {
        const plan = await storage.prisma.$transaction(async (tx) => {
          await tx.$executeRawUnsafe('SET LOCAL enable_seqscan = off');
          return tx.$queryRawUnsafe<{ 'QUERY PLAN': string }[]>(
            `EXPLAIN SELECT e.product_id, e.vec <-> (SELECT vec FROM simili.embedding_${MODEL} WHERE product_id = 's000') AS d
             FROM simili.embedding_${MODEL} e ORDER BY d LIMIT 12`,
          );
        });
        const text = plan.map((row) => row['QUERY PLAN']).join('\n');
        expect(text.includes(`embedding_${MODEL}_vec_idx`)).toBe(storage.indexedFrom === null);
      });
    });
  });
}

/** As the database rounds its sums. */
const rounded = (row: { impressions: number; clicks: number; value: number }) =>
  Object.fromEntries((['impressions', 'clicks', 'value'] as const).map((name) => [name, Number(row[name].toFixed(9))]));

/** Directions on no grid, so that no two distances tie. */
function unit(i: number): Float32Array {
  const raw = Float32Array.from({ length: 8 }, (_, k) => Math.sin((i + 1) * (k + 1.3) * 0.731) + 0.2);
  const norm = Math.hypot(...raw);
  return raw.map((x) => x / norm);
}
const distance = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
