import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { codeOf } from '../support/ask.ts';
import { freshDatabase } from '../support/database.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/** On a circle, by angle. Nothing is known of how `cold` looks. */
const ANGLES = { east: 0, north: Math.PI / 2, between: 0.8, nearEast: 0.1, variant: 0.79, far: -2, south: -1.5 };
const LIST = `query ($ids: [ID!]!, $filter: ProductFilter, $first: Int, $after: String, $minScore: Float, $diversity: Float, $distinctPictures: Boolean) {
  similarToProducts(ids: $ids, filter: $filter, first: $first, after: $after, minScore: $minScore, diversity: $diversity, distinctPictures: $distinctPictures) {
    status unknownIds modelVersionId stale nodes { id } edges { score position cursor } pageInfo { hasNextPage endCursor } } }`;

function describeSeveral(name: string, tags: string[] = []): void {
  describe(`several anchors over HTTP on ${name}`, { tags }, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await testApi({}, { database: await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined) });
      const groupId = (id: string) => (id === 'variant' || id === 'north' ? 'group' : null);
      await addProducts(
        api.database,
        [...Object.keys(ANGLES), 'cold'].map((id) => ({
          id,
          groupId: groupId(id),
          availableForSale: id !== 'nearEast',
        })),
      );
      const vectors = Object.entries(ANGLES).map(([id, angle]) => [id, [Math.cos(angle), Math.sin(angle)]]);
      await addModel(api.database, Object.fromEntries(vectors));
    });
    afterAll(() => api[Symbol.asyncDispose]());
    const list = async (variables: object) => (await api.shop(LIST, variables)).data.similarToProducts;
    const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);

    test('the nearest to the mean, none of the anchors or their variants; what is no product is named', async () => {
      const found = await list({ ids: ['east', 'north', 'nobody', 'east', 'cold'] });
      expect(idsOf(found)).toEqual(['between', 'nearEast', 'south', 'far']);
      expect(found).toMatchObject({
        status: 'OK',
        unknownIds: ['nobody'],
        modelVersionId: expect.stringMatching(/^mdl_/),
        stale: false,
      });
      // The mean of 0 and 90 degrees lies at 45: D = 2 - 2 cos.
      const angle = Math.PI / 4 - ANGLES.between;
      expect(found.edges[0].score).toBeCloseTo(1 - (2 - 2 * Math.cos(angle)) / 4, 5);
      expect(found.edges.map(({ position }: { position: number }) => position)).toEqual([1, 2, 3, 4]);
      expect(idsOf(await list({ ids: ['north', 'cold', 'east'], filter: { available: true } }))).toEqual([
        'between',
        'south',
        'far',
      ]);
      expect(await list({ ids: ['east', 'north'], minScore: 0.9 })).toMatchObject({ status: 'PARTIAL' });
    });

    test('none that looks like one of the anchors, where pictures are to be distinct', async () => {
      const found = await list({ ids: ['east', 'north'], distinctPictures: true });
      expect(idsOf(found)).toEqual(['between', 'south', 'far']); // not `nearEast`
    });

    test('none that is a product, or has a vector, is a status', async () => {
      expect(await list({ ids: ['nobody', 'no one'] })).toMatchObject({
        status: 'ITEM_UNKNOWN',
        unknownIds: ['nobody', 'no one'],
        nodes: [],
      });
      expect(await list({ ids: ['cold', 'nobody'] })).toMatchObject({ status: 'COLD_ITEM', modelVersionId: null });
    });

    test.each([0, 0.5])('pages go on, in whatever order the ids come (diversity %d)', async (diversity) => {
      const ids = ['east', 'north'];
      const whole = await list({ ids, diversity });
      const first = await list({ ids, first: 3, diversity });
      const after = first.pageInfo.endCursor;
      const second = await list({ ids: ids.toReversed(), first: 3, after, diversity });
      expect([...idsOf(first), ...idsOf(second)]).toEqual(idsOf(whole));
      expect(codeOf(await api.shop(LIST, { ids: ['east'], after }))).toBe('CURSOR_INVALID');
      const ofOne = await api.shop('query ($after: String) { similarItems(id: "east", after: $after) { status } }', {
        after,
      });
      expect(codeOf(ofOne)).toBe('CURSOR_INVALID');
    });

    test('1 to 20 ids, of text that can be stored', async () => {
      for (const ids of [[], Array.from({ length: 21 }, (_, i) => `p${i}`), ['a\0']])
        expect([ids.length, codeOf(await api.shop(LIST, { ids }))]).toEqual([ids.length, 'INVALID_ARGUMENT']);
      expect((await list({ ids: Array.from({ length: 20 }, (_, i) => `p${i}`) })).status).toBe('ITEM_UNKNOWN');
    });

    test('while the database is away, what the same ids were answered before', async () => {
      const variables = { ids: ['east', 'nobody'], first: 3 };
      const before = await list(variables);
      expect(before.unknownIds).toEqual(['nobody']);
      const { search, products } = api.database.repositories as never as Record<string, Record<string, unknown>>;
      const away = () => Promise.reject(new SimiliError('DATABASE_UNAVAILABLE', { why: 'test' }));
      Object.assign(search!, { nearestOfAll: away });
      Object.assign(products!, { byIds: away });
      const { data, errors } = await api.shop(LIST, variables);
      const other = await api.shop(LIST, { ...variables, ids: ['nobody', 'north'] });
      delete search!.nearestOfAll;
      delete products!.byIds;
      expect(data.similarToProducts).toEqual({ ...before, stale: true, unknownIds: null });
      expect(errors).toMatchObject([{ path: ['similarToProducts', 'unknownIds'] }]);
      expect(other.data.similarToProducts).toBeNull();
    });

    test('each id counts as a list', async () => {
      const lists = (n: number) =>
        `query ($ids: [ID!]!) { ${Array.from({ length: n }, (_, i) => `l${i}: similarToProducts(ids: $ids) { status }`).join(' ')} }`;
      const ids = Array.from({ length: 10 }, (_, i) => `p${i}`);
      expect(codeOf(await api.shop(lists(10), { ids }))).toBeUndefined();
      expect(codeOf(await api.shop(lists(11), { ids }))).toBe('TOO_COSTLY');
    });
  });
}

describeSeveral('PGlite');
describeSeveral('Postgres', ['postgres']);
