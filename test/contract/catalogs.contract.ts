import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { nearestTo } from '../support/nearest.ts';

const HOUR = 3_600_000;
const soon = () => new Date(Date.now() + HOUR);
const LIST = '11111111-1111-4111-8111-111111111111';
const EVENT = '22222222-2222-4222-8222-222222222222';

/** Two catalogs of one database stay apart, though everything in both has the same ids. `open` gives a fresh, migrated database. */
export function describeCatalogs(name: string, open: () => Promise<Storage>, tags: string[] = []): void {
  describe(`catalogs on ${name}`, { tags }, () => {
    let storage: Storage;
    let red: Repositories;
    let blue: Repositories;
    beforeAll(async () => {
      storage = await open();
      red = makeRepositories(storage, 'red');
      blue = red.forCatalog('blue');
      for (const id of ['red', 'blue']) expect(await red.catalogs.create(id)).toBe(true);
      for (const one of [red, blue]) await fill(one);
    });
    afterAll(() => storage.close());

    /** Products p0 … p4 of which p4 has no picture, and a version 1 that is to serve. */
    async function fill(own: Repositories): Promise<void> {
      for (let i = 0; i < 5; i++) await own.products.write(productOf(own, i));
      for (const { id, reading, productId } of await own.images.claimPending(10, 60))
        await own.images.markReady(
          { id, reading },
          { contentHash: `h-${productId}`, mime: 'image/png', width: 1, height: 1 },
        );
      const job = await own.jobs.create('RETRAIN', {}, own.catalog);
      const model = { kind: 'GOLDEN' as const, parentId: null, dimensions: 2, checksum: own.catalog, metrics: {} };
      const artefact = Buffer.from(own.catalog);
      const made = await own.models.commitTrained((await own.jobs.claim(job.id, 'TRAIN'))!, { ...model, artefact });
      await own.embeddings.createTable(made.number, pictureSpace(2));
      await own.embeddings.upsert(made.number, vectorsOf(own));
      await own.models.commitEmbedded((await own.jobs.claim(job.id, 'EMBED'))!, made.id);
      await own.models.commitEvaluated((await own.jobs.claim(job.id, 'EVALUATE'))!, made.id, {}, []);
      // The same ids in both, which only chance would make.
      const where = { catalogId: own.catalog };
      await storage.prisma.serving.deleteMany({ where });
      await storage.prisma.job.updateMany({ where, data: { id: 'job_1', modelId: 'mdl_1' } });
      await storage.prisma.modelVersion.updateMany({ where, data: { id: 'mdl_1', jobId: 'job_1' } });
      await storage.prisma.serving.create({ data: { ...where, slot: 'active', versionId: 'mdl_1', weight: 1 } });
      for (const image of await storage.prisma.productImage.findMany({ where }))
        await storage.prisma.productImage.update({
          where: { catalogId_id: { ...where, id: image.id } },
          data: { id: `img_${image.productId}` },
        });
    }
    const productOf = ({ catalog }: Repositories, i: number, more: object = {}) => ({
      id: `p${i}`,
      title: `${catalog} ${i}`,
      url: 'https://shop.test/p',
      categories: ['all', catalog],
      tags: [],
      price: catalog === 'red' ? '1.00' : '9.00',
      currency: 'EUR',
      available: true,
      groupId: null,
      images: i === 4 ? [] : ['/p.png'],
      version: 0,
      fingerprint: `${catalog}-${i}`,
      ...more,
    });
    /** In `red` the nearest of p0 is p1, in `blue` p3. */
    const vectorsOf = ({ catalog }: Repositories) =>
      [0, 1, 2, 3].map((i) => {
        const angle = catalog === 'red' || i === 0 ? i : 4 - i;
        const vector = Float32Array.of(Math.cos(angle / 2), Math.sin(angle / 2));
        return { productId: `p${i}`, contentHash: `h-p${i}`, vector };
      });
    /** Everything that is stored of a catalog, as text. */
    const stored = async ({ catalog }: Repositories): Promise<string> => {
      const tables = await storage.prisma.$queryRaw<{ name: string }[]>`
        SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.columns
        WHERE table_schema LIKE 'simili%' AND column_name = 'catalog_id' ORDER BY name`;
      const rows: string[] = [];
      for (const { name } of tables) {
        const found = await storage.prisma.$queryRawUnsafe<{ row: string }[]>(
          `SELECT t::text AS row FROM ${name} t WHERE catalog_id = '${catalog}' ORDER BY t::text`,
        );
        rows.push(...found.map(({ row }) => `${name} ${row}`));
      }
      return rows.join('\n');
    };
    /** Does something in `red`, and looks that nothing of `blue` has changed. */
    const onlyInRed = async <T>(work: () => Promise<T>): Promise<T> => {
      const [before, own] = [await stored(blue), await stored(red)];
      const result = await work();
      expect(await stored(blue)).toBe(before);
      expect(await stored(red)).not.toBe(own);
      return result;
    };

    test('each reads its own products and pictures', async () => {
      for (const own of [red, blue]) {
        const titles = [0, 1, 2, 3, 4].map((i) => `${own.catalog} ${i}`);
        const titlesOf = (rows: readonly { title: string }[]) => rows.map(({ title }) => title).sort();
        expect(titlesOf(await own.products.byIds(['p0', 'p1', 'p2', 'p3', 'p4']))).toEqual(titles);
        expect(titlesOf(await own.products.page(10, null))).toEqual(titles);
        expect(titlesOf(await own.products.page(10, 'p3'))).toEqual([titles[4]]);
        expect((await own.products.byUrl('https://shop.test/p'))?.title).toBe(titles[0]);
        expect([...(await own.products.existing(['p0', 'p9']))]).toEqual(['p0']);
        expect(await own.products.count()).toBe(5);
        expect(await own.images.counts()).toEqual({ ready: 4, pending: 0, failed: 0 });
        expect(await own.images.counts(new Date(0))).toEqual({ ready: 4, pending: 0, failed: 0 });
        expect((await own.images.readyPage(10, null)).map(({ categories }) => categories[1])).toEqual(
          Array(4).fill(own.catalog),
        );
        expect(await own.images.byId('img_p0')).toMatchObject({ contentHash: 'h-p0' });
        expect(await own.images.readySince(new Date(0))).toEqual({ products: 4, changed: 4 });
        expect(await own.images.decoded(100)).toMatchObject({ products: 4 });
      }
      expect(await red.forCatalog('default').products.count()).toBe(0);
    });

    test('each is searched in its own vectors, whatever the way', async () => {
      for (const own of [red, blue]) {
        const nearest = own === red ? 'p1' : 'p3';
        for (const filter of [{}, { available: true }, { minPrice: '0.50' }, { categories: [own.catalog] }]) {
          const { anchor, neighbours } = await nearestTo(own.search, 1, 'p0', filter, 2);
          expect(anchor).toBe('ranked');
          expect(neighbours[0]).toMatchObject({
            productId: nearest,
            product: { title: `${own.catalog} ${nearest[1]}` },
          });
        }
        const others = { categories: [own === red ? 'blue' : 'red'] };
        expect((await nearestTo(own.search, 1, 'p0', others, 2)).neighbours).toEqual([]);
        expect(await own.embeddings.missing(1, 10)).toEqual([]);
        expect(await own.embeddings.countMissing(1)).toBe(0);
        expect((await own.embeddings.vectors(1, ['p1'])).get('p1')).toEqual(vectorsOf(own)[1]!.vector);
      }
      await expect(red.forCatalog('default').embeddings.count(1)).rejects.toThrow('no vectors');
    });

    test('each is filled and searched in a second space of its own', async () => {
      const words = { ...pictureSpace(2), name: 'words', encoder: 'words' };
      for (const own of [red, blue]) {
        await own.embeddings.createTable(1, words);
        const said = [0, 1, 2, 3, 4].map((i) => ({ productId: `p${i}`, contentHash: `${own.catalog}-${i}` }));
        expect(await own.embeddings.missingOfProducts(1, words, 10, null)).toEqual(said);
        const rows = vectorsOf(own).map((row, i) => ({ ...row, ...said[i] }));
        await own.embeddings.upsert(1, rows, words);
        expect(await own.embeddings.countMissing(1, 'words', 'product')).toBe(1);
        await own.embeddings.createIndex(1, words);
      }
      for (const own of [red, blue]) {
        const ranking = own === red ? ['p1', 'p2', 'p3'] : ['p3', 'p2', 'p1'];
        for (const filter of [{}, { available: true }, { categories: [own.catalog] }])
          for (const search of [own.search, new SearchRepository(storage.ask, own.catalog, 0)]) {
            const found = await nearestTo(search, 1, 'p0', filter, 12, null, [pictureSpace(2), words]);
            expect(found.neighbours.map(({ productId }) => productId)).toEqual(ranking);
            for (const { product } of found.neighbours) expect(product.title).toContain(own.catalog);
          }
        await own.embeddings.dropTables(1, [words]);
      }
    });

    test('a product that is written, changed or deleted is one of its own catalog', async () => {
      await onlyInRed(async () => {
        const changed = productOf(red, 1, { title: 'red again', fingerprint: 'x', version: 5, images: ['/q.png'] });
        expect(await red.products.write(changed)).toBe('updated');
      });
      await onlyInRed(async () => {
        const [image] = await red.images.claimPending(10, 60);
        await red.images.markFailed(image!, 'IMAGE_UNREACHABLE', 'no', 0);
      });
      await onlyInRed(async () => expect(await red.images.reopenFailed(10)).toBe(1));
      await onlyInRed(async () => expect(await red.products.remove(['p1', 'p2'])).toBe(2));
      expect(await red.embeddings.count(1)).toBe(2);
      for (const i of [1, 2]) await red.products.write(productOf(red, i));
    });

    test('a picture that is claimed, looked at or opened again is one of its own catalog', async () => {
      const fresh = (own: Repositories) =>
        own.products.write(productOf(own, 2, { images: ['/n.png'], fingerprint: 'n' }));
      await fresh(red);
      await fresh(blue);
      const own = await storage.prisma.productImage.findFirstOrThrow({ where: { catalogId: 'red', productId: 'p2' } });
      await storage.prisma.productImage.update({
        where: { catalogId_id: { catalogId: 'red', id: own.id } },
        data: { id: 'img_new' },
      });
      const others = await storage.prisma.productImage.findFirstOrThrow({
        where: { catalogId: 'blue', productId: 'p2' },
      });
      await storage.prisma.productImage.update({
        where: { catalogId_id: { catalogId: 'blue', id: others.id } },
        data: { id: 'img_new' },
      });
      expect([await red.images.hasClaimable(), await blue.images.hasClaimable()]).toEqual([true, true]);
      await onlyInRed(async () =>
        expect((await red.images.claimPending(10, 60)).map(({ id }) => id)).toContain('img_new'),
      );
      const read = { id: 'img_new', reading: 1 };
      await onlyInRed(() => red.images.postpone(read, 60));
      await onlyInRed(() => red.images.markReady(read, { contentHash: 'n', mime: 'image/png', width: 1, height: 1 }));
      await onlyInRed(() => red.images.markChecked(read, { etag: 'e', lastModified: null }, 0));
      expect([await red.images.hasAged(null), await blue.images.hasAged(null)]).toEqual([true, false]);
      await onlyInRed(async () => expect(await red.images.claimAged(10, 60)).toMatchObject([{ id: 'img_new' }]));
      await onlyInRed(() => red.images.reopen('/n.png'));
      await onlyInRed(() => red.images.markFailed({ ...read, reading: 3 }, 'IMAGE_UNREADABLE', 'no'));
      expect([await red.images.failures(10), await blue.images.failures(10)]).toMatchObject([
        [{ productId: 'p2' }],
        [],
      ]);
      expect(await red.contents.named(['h-p0', 'n'])).toEqual(new Set(['h-p0', 'n'])); // of any: it is asked before a file goes
      expect((await blue.images.claimPending(10, 60)).map(({ id }) => id)).toEqual(['img_new']);
    });

    test('feedback with the same ids is stored in both, and each learns from its own', async () => {
      const event = (own: Repositories, itemId: string) => ({
        eventId: EVENT,
        kind: 'CLICK' as const,
        anchorId: 'p0',
        itemIds: [itemId],
        positions: [1],
        modelId: `mdl of ${own.catalog}`,
        occurredAt: new Date(),
        listId: LIST,
        listedAt: new Date(),
        listExpiresAt: soon(),
        filtered: false,
      });
      await onlyInRed(async () => {
        for (let i = 0; i < 10; i++)
          await red.feedback.append(`v${i}`, [{ ...event(red, 'p1'), eventId: crypto.randomUUID() }]);
      });
      expect(await red.feedback.append('v99', [event(red, 'p1')])).toEqual({ stored: 0, full: [LIST] });
      expect(await blue.feedback.append('v99', [event(blue, 'p3')])).toEqual({ stored: 1, full: [] });
      await onlyInRed(async () =>
        expect(await red.feedback.append('v0', [event(red, 'p1')])).toMatchObject({ stored: 1 }),
      );
      const counted = { day: '2026-01-01', name: 'accepted', count: 1 };
      await red.feedbackCounts.add(['red', 'blue'].map((catalog) => ({ ...counted, catalog })));
      for (const repos of [red, blue])
        expect(await repos.feedbackHealth.counts('2026-01-01')).toEqual([{ name: 'accepted', count: 1 }]);
      const seen = { impressions: 1, choices: 1, impressionsSq: 1, products: 1, choicesSq: 1 };
      const cell = { catalogId: 'red', day: new Date(0), modelId: 'm', position: 1, visitors: 1 };
      await storage.prisma.feedbackClickThrough.create({ data: { ...cell, ...seen } });
      expect(await red.feedback.choices(new Date(0))).toEqual({ before: 0, after: 10 });
      expect(await blue.feedback.choices(new Date(0))).toEqual({ before: 0, after: 1 });
      expect([await red.feedback.count(), await blue.feedback.count()]).toEqual([11, 1]);
      expect((await blue.feedback.days.statistics(soon())).map(({ itemId }) => itemId)).toEqual(['p3']);
      expect(await red.feedback.visitorsOfPair('p0', 'p1', 90)).toMatchObject({
        chosen: 10,
        clicked: 10,
        dismissed: 0,
      });
      expect(await blue.feedback.visitorsOfPair('p0', 'p1', 90)).toMatchObject({ chosen: 0, clicked: 0, dismissed: 0 });
      const rating = { anchorId: 'p0', positiveId: 'p1', negativeId: 'p2' };
      await blue.ratings.append([rating]);
      await onlyInRed(() => red.ratings.append([{ ...rating, positiveId: 'p2', negativeId: 'p1' }]));
      expect(await blue.ratings.upTo(soon())).toEqual([rating]);
      await onlyInRed(() => red.feedback.forgetLists(new Date(Date.now() + 2 * HOUR)));
      const receipt = (await onlyInRed(() => red.erasures.erase(['v0', 'v1', 'v99'])))!;
      expect(receipt.events).toBe(3);
      expect(await red.erasures.byId(receipt.id)).toEqual(receipt);
      expect(await blue.erasures.byId(receipt.id)).toBeNull();
      expect([await red.erasures.since(new Date(0)), await blue.erasures.since(new Date(0))]).toEqual([true, false]);
      expect(await red.erasures.eventsOf('v99', 9, null)).toEqual([]);
      expect(await blue.erasures.eventsOf('v99', 9, null)).toHaveLength(1);
      await onlyInRed(() => red.erasures.forgetInLists());
    });

    test('each has a training of its own on its way, with claims, rounds and checkpoints of its own', async () => {
      const [mine, theirs] = [
        await red.jobs.create('RETRAIN', {}, 'red'),
        await blue.jobs.create('RETRAIN', {}, 'blue'),
      ];
      for (const { catalogId, id } of [mine, theirs])
        await storage.prisma.job.update({ where: { catalogId_id: { catalogId, id } }, data: { id: 'job_2' } });
      await expect(red.jobs.create('RETRAIN', {}, 'red')).rejects.toMatchObject({ code: 'JOB_ALREADY_RUNNING' });
      for (const own of [red, blue]) {
        expect(await own.jobs.byId('job_2')).toMatchObject({ requestedBy: own.catalog });
        expect((await own.jobs.list(10)).map(({ requestedBy }) => requestedBy)).toEqual([own.catalog, own.catalog]);
        expect((await own.jobs.list(10, ['QUEUED'])).map(({ requestedBy }) => requestedBy)).toEqual([own.catalog]);
        expect(await own.jobs.running()).toMatchObject({ requestedBy: own.catalog });
        expect(await own.jobs.last('RETRAIN')).toMatchObject({ requestedBy: own.catalog });
      }
      const others = (await blue.jobs.claim('job_2', 'TRAIN'))!;
      const round = {
        round: 0,
        members: 1,
        firstStep: 0,
        steps: 1,
        totalSteps: 9,
        pictures: 0,
        expectedMs: 1,
        settings: {},
      };
      const opened = (own: Repositories) => ({ ...round, checksum: own.catalog, state: Buffer.from(own.catalog) });
      await blue.rounds.open(others, opened(blue));
      const shard = { jobId: 'job_2', round: 0, fence: 1, member: 0 };
      const report = { state: Uint8Array.of(1), checksum: 'c', pictures: 1, loss: 1, activeShare: 1 };
      await blue.rounds.take(shard);
      await blue.jobs.saveCheckpoint(others, 3, 'blue', Uint8Array.of(3));

      expect([await red.rounds.find(shard), await red.rounds.isOpen(shard), await red.rounds.status(shard)]).toEqual([
        null,
        false,
        null,
      ]);
      expect([await red.rounds.take(shard), await red.rounds.report(shard, report)]).toEqual([false, false]);
      expect(await red.jobs.checkpoint('job_2')).toBeNull();
      const claim = await onlyInRed(async () => (await red.jobs.claim('job_2', 'TRAIN'))!);
      await onlyInRed(async () => expect(await red.jobs.heartbeat(claim, { progress: 0.5 })).toBe('held'));
      await onlyInRed(() => red.jobs.saveCheckpoint(claim, 1, 'red', Uint8Array.of(1)));
      await onlyInRed(() => red.rounds.open(claim, opened(red)));
      expect(await red.rounds.find(shard)).toMatchObject({
        checksum: 'red',
        state: Uint8Array.from(Buffer.from('red')),
      });
      await onlyInRed(async () => expect(await red.rounds.take(shard)).toBe(true));
      await onlyInRed(() => red.rounds.giveBack(shard));
      await red.rounds.take(shard);
      await onlyInRed(async () => expect(await red.rounds.report(shard, report)).toBe(true));
      expect([(await red.rounds.results(shard)).length, (await blue.rounds.results(shard)).length]).toEqual([1, 0]);
      await onlyInRed(() => red.rounds.settle(shard));
      expect(await blue.rounds.status(shard)).toMatchObject({ settled: false, shards: [{ reportedMs: null }] });
      await onlyInRed(() => red.rounds.adopt(claim));
      expect(await red.jobs.checkpoint('job_2')).toMatchObject({ step: 1, checksum: 'red' });
      await onlyInRed(() => red.jobs.fail(claim, { code: 'INTERNAL', message: 'no', retry: true }));
      const again = (await red.jobs.claim('job_2', 'TRAIN'))!;
      await onlyInRed(() => red.jobs.release(again));
      const last = (await red.jobs.claim('job_2', 'TRAIN'))!;
      await onlyInRed(() => red.jobs.cancel('job_2'));
      await onlyInRed(() => red.jobs.settleCancelled(last));
      expect(await blue.jobs.byId('job_2')).toMatchObject({ state: 'RUNNING', fence: 1 });
      // What looks after all of them names the catalog of each.
      expect(await red.allJobs.reclaim(0)).toEqual([{ catalogId: 'blue', id: 'job_2', phase: 'TRAIN', fence: 2 }]);
      await blue.jobs.cancel('job_2');
    });

    test('versions count from 1 in each, and what serves in one, or does not, is its own affair', async () => {
      for (const own of [red, blue]) {
        expect(await own.models.serving()).toMatchObject({ modelId: 'mdl_1', number: 1 });
        expect(await own.models.active()).toMatchObject({ checksum: own.catalog });
        expect(await own.models.byId('mdl_1')).toMatchObject({ checksum: own.catalog });
        expect(await own.models.ofJob('job_1')).toMatchObject({ checksum: own.catalog });
        expect((await own.models.list(10)).map(({ checksum }) => checksum)).toEqual([own.catalog]);
        expect((await own.models.live()).map(({ checksum }) => checksum)).toEqual([own.catalog]);
        expect((await own.models.artefact('mdl_1'))?.artefact).toEqual(Uint8Array.from(Buffer.from(own.catalog)));
      }
      const second = await onlyInRed(async () => {
        const job = await red.jobs.create('RETRAIN', {}, 'red');
        const model = { kind: 'NETWORK' as const, parentId: null, dimensions: 2, checksum: 'second', metrics: {} };
        const claim = (await red.jobs.claim(job.id, 'TRAIN'))!;
        const made = await red.models.commitTrained(claim, { ...model, artefact: Uint8Array.of(2) });
        await red.models.commitEmbedded((await red.jobs.claim(job.id, 'EMBED'))!, made.id);
        await red.models.commitEvaluated((await red.jobs.claim(job.id, 'EVALUATE'))!, made.id, {}, []);
        return made;
      });
      expect(second.number).toBe(2);
      expect([await red.models.anyOfKind('NETWORK'), await blue.models.anyOfKind('NETWORK')]).toEqual([true, false]);
      expect(
        await storage.prisma.serving.findMany({ where: { catalogId: 'red' }, orderBy: { slot: 'asc' } }),
      ).toMatchObject([
        { slot: 'active', versionId: second.id, weight: 1 },
        { slot: 'previous', versionId: 'mdl_1', weight: 0 },
      ]);
      await expect(blue.models.rollback(null)).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK_TO' });
      await expect(blue.models.rollback(second.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await onlyInRed(() => red.models.rollback(null));
      await onlyInRed(() => red.models.rollback(second.id));
      await storage.prisma.serving.deleteMany({ where: { catalogId: 'red', slot: 'previous' } });
      await storage.prisma.modelVersion.updateMany({ where: { catalogId: 'blue' }, data: { state: 'STANDBY' } });
      expect((await red.models.retirable(0)).map(({ id }) => id)).toEqual(['mdl_1']);
      await onlyInRed(async () => expect(await red.models.markRetired('mdl_1')).toBe(true));
      expect([await red.models.retiredWithVectors(), await blue.models.retiredWithVectors()]).toMatchObject([
        [{ number: 1 }],
        [],
      ]);
      await red.embeddings.dropTables(1, [pictureSpace(2)]);
      expect(await blue.embeddings.count(1)).toBe(4);
    });

    test('a setting is of its catalog', async () => {
      await blue.settings.set('encoder', 'blue');
      await onlyInRed(() => red.settings.set('encoder', 'red'));
      expect([await red.settings.get('encoder'), await blue.settings.get('encoder')]).toEqual(['red', 'blue']);
    });

    test('a statement that forgets its catalog fails instead of writing into some other', async () => {
      const forgetful = storage.prisma
        .$executeRaw`INSERT INTO simili.product (id, title, fingerprint) VALUES ('x', 'x', 'x')`;
      await expect(forgetful).rejects.toThrow('catalog_id');
      const stray = red.forCatalog('nowhere').products.write(productOf(red, 7));
      await expect(stray).rejects.toThrow();
    });

    test('one that is removed leaves nothing, and takes nothing of the others along', async () => {
      expect((await red.catalogs.list()).map(({ id, products }) => [id, products])).toEqual([
        ['default', 0],
        ['blue', 5],
        ['red', 5],
      ]);
      await onlyInRed(async () => expect(await red.catalogs.remove('red')).toBe(true));
      expect(await stored(red)).toBe('');
      expect(await red.catalogs.remove('red')).toBe(false);
      expect(await red.catalogs.ids()).toEqual(['default', 'blue']);
      await expect(red.embeddings.createTable(1, pictureSpace(2))).rejects.toThrow('no vectors');
    });
  });
}
