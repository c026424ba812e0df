import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { freshDatabase } from '../support/database.ts';
import { addModel, addProducts, serve } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/* Recall of what is served, over HTTP: of a search that finds the nearest, and of one that leaves out every third. */
const ids = Array.from({ length: 60 }, (_, i) => `p${i}`);
const RECALL = '{ recall { modelVersionId share lists late recall low high alarmBelow alarm } }';

function describeRecall(name: string, tags: string[] = []): void {
  describe(`recall on ${name}`, { tags }, () => {
    let api: TestApi;
    let [first, second] = ['', ''];
    beforeAll(async () => {
      const database = await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined);
      api = await testApi({ SIMILI_AUDIT_SHARE: '1' }, { database });
      await addProducts(
        database,
        ids.map((id) => ({ id })),
      );
      const random = makeRandom(3);
      const vectors = Object.fromEntries(ids.map((id) => [id, Array.from({ length: 8 }, () => random.gaussian())]));
      ({ id: second } = await addModel(database, vectors, 'STANDBY'));
      ({ id: first } = await addModel(database, vectors));
    });
    afterAll(() => api[Symbol.asyncDispose]());
    const recall = async () => (await api.admin(RECALL)).data.recall;
    /** Asks lists, of one product after the other, until so many were asked again. */
    const audited = async (lists: number) => {
      let next = 0;
      await expect
        .poll(async () => {
          await api.shop(`{ similarItems(id: "p${next++}") { status } }`);
          await api.services.flush();
          return (await recall()).lists;
        })
        .toBeGreaterThanOrEqual(lists);
      return recall();
    };

    test('before any list there is no figure; then an index that finds the nearest has 1 and no alarm', async () => {
      expect(await recall()).toEqual({
        modelVersionId: first,
        share: 1,
        lists: 0,
        late: 0,
        recall: null,
        low: null,
        high: null,
        alarmBelow: 0.95,
        alarm: false,
      });
      expect(await audited(2)).toMatchObject({ recall: 1, high: expect.closeTo(1, 9), alarm: false });
    });

    test('lists whose exact ranking took too long are counted, and in no figure', async () => {
      const { recallAudits } = api.database.repositories;
      const { lists, recall: before } = await recall();
      await recallAudits.addLate(2);
      await recallAudits.addLate(2);
      expect(await recall()).toMatchObject({ lists, recall: before, late: 2 });
    });

    test('one that misses is told, in a figure of its own', async () => {
      const { search } = api.database.repositories;
      const nearest = search.nearestOfEach.bind(search);
      search.nearestOfEach = async (version, anchors, filter, limit, behind, how) => {
        const exactly = how?.way === 'exact';
        const all = await nearest(version, anchors, filter, exactly ? limit : 2 * limit, behind, how);
        if (exactly) return all;
        const missing = (_: unknown, i: number) => i % 3 > 0;
        return all.map(({ anchor, neighbours }) => ({
          anchor,
          neighbours: neighbours.filter(missing).slice(0, limit),
        }));
      };
      await serve(api.database, second);
      await expect.poll(async () => (await recall()).modelVersionId).toBe(second);
      expect((await recall()).lists).toBe(0);
      // Of the nearest ten six are there: the first, the fourth and so on are not.
      expect(await audited(3)).toMatchObject({ recall: 0.6, alarm: true });
      expect(api.logged.filter(({ sentence }) => String(sentence).includes('misses neighbours'))).toHaveLength(1);
    });
  });
}

describeRecall('PGlite');
describeRecall('Postgres', ['postgres']);
