import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { codeOf } from '../support/ask.ts';
import { freshDatabase } from '../support/database.ts';
import { addModel, addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/** Tags and category of each, on a circle: the farther down, the less like the first. */
const PRODUCTS = {
  anchor: { tags: ['brand:acme', 'weight:5'], categories: ['shoes'], angle: 0 },
  red: { tags: ['brand:acme', 'colour:red', 'new', 'weight:2.50'], categories: ['shoes'], angle: 0.2 },
  used: { tags: ['brand:acme', 'colour:blue', 'used', 'weight:10', 'weight:heavy'], categories: ['shoes'], angle: 0.4 },
  other: { tags: ['brand:other', 'colour:red', 'weight:-1', 'weight:30'], categories: ['shoes', 'sale'], angle: 0.6 },
  plain: { tags: [], categories: [], angle: 0.8 },
  far: { tags: ['brand:acme', 'colour:red'], categories: ['hats'], angle: 3 },
};
const LIST = `query ($filter: ProductFilter, $minScore: Float, $diversity: Float, $distinctPictures: Boolean, $first: Int, $after: String) {
  similarItems(id: "anchor", filter: $filter, minScore: $minScore, diversity: $diversity, distinctPictures: $distinctPictures, first: $first, after: $after) {
    status nodes { id } edges { score } pageInfo { hasNextPage endCursor } } }`;

function describeFilters(name: string, tags: string[] = []): void {
  describe(`filters of a list on ${name}`, { tags }, () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await testApi({}, { database: await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined) });
      const drafts = Object.entries(PRODUCTS).map(([id, { angle: _, ...rest }]) => ({ id, ...rest }));
      await addProducts(api.database, drafts);
      await addModel(
        api.database,
        Object.fromEntries(Object.entries(PRODUCTS).map(([id, { angle }]) => [id, [Math.cos(angle), Math.sin(angle)]])),
      );
    });
    afterAll(() => api[Symbol.asyncDispose]());
    const list = async (variables: object) => (await api.shop(LIST, variables)).data.similarItems;
    const idsOf = async (filter: object) => (await list({ filter })).nodes.map(({ id }: { id: string }) => id);

    test('any of the tags, each of the attributes, nothing of what is left out', async () => {
      const red = { name: 'colour', anyOf: ['red'] };
      expect(await idsOf({ tags: ['new', 'used'] })).toEqual(['red', 'used']);
      expect(await idsOf({ attributes: [red] })).toEqual(['red', 'other', 'far']);
      expect(await idsOf({ attributes: [{ name: 'brand', anyOf: ['acme'] }, red] })).toEqual(['red', 'far']);
      expect(await idsOf({ attributes: [{ name: 'brand', anyOf: ['acme', 'other'] }] })).toHaveLength(4);
      expect(await idsOf({ not: { tags: ['used'], categories: ['sale'] } })).toEqual(['red', 'plain', 'far']);
      expect(await idsOf({ tags: ['new', 'used'], not: { attributes: [red] } })).toEqual(['used']);
      expect(await idsOf({ attributes: [{ name: 'colour', anyOf: ["red' OR true"] }] })).toEqual([]);
      expect(codeOf(await api.shop(LIST, { filter: { attributes: [{ name: 'a:b', anyOf: ['c'] }] } }))).toBe(
        'INVALID_ARGUMENT',
      );
    });

    test('an attribute that is a number is within a range: of several any will do, and none is in no range', async () => {
      const within = (range: object) => ({ attributes: [{ name: 'weight', range }] });
      expect(await idsOf(within({ min: '2.5', max: '10' }))).toEqual(['red', 'used']);
      expect(await idsOf(within({ min: '2.51' }))).toEqual(['used', 'other']);
      expect(await idsOf(within({ max: '0' }))).toEqual(['other']);
      expect(await idsOf(within({ min: '11', max: '29' }))).toEqual([]);
      expect(await idsOf({ not: within({ min: '2.5', max: '10' }) })).toEqual(['other', 'plain', 'far']);
      expect(await idsOf({ ...within({ min: '0' }), tags: ['colour:red'] })).toEqual(['red', 'other']);
      const both = { name: 'weight', anyOf: ['10'], range: { min: '1' } };
      expect(codeOf(await api.shop(LIST, { filter: { attributes: [both] } }))).toBe('INVALID_ARGUMENT');
    });

    test('a range goes by the attributes that a product has now', async () => {
      const within = { attributes: [{ name: 'height', range: { min: '1' } }] };
      const written = (...heights: string[]) =>
        addProducts(api.database, [{ id: 'plain', tags: heights.map((height) => `height:${height}`), categories: [] }]);
      for (const [heights, found] of [
        [['3', '03.0'], ['plain']],
        [['0.5'], []],
        [['0.5', '1'], ['plain']],
        [[], []],
      ] as const) {
        await written(...heights);
        expect(await idsOf(within)).toEqual(found);
      }
    });

    test('categories are found in upper or lower case, in every spelling that products have', async () => {
      expect(await idsOf({ categories: ['SHOES'] })).toEqual(['red', 'used', 'other']);
      expect(await idsOf({ not: { categories: ['Shoes', 'HATS'] } })).toEqual(['plain']);
      await addProducts(api.database, [{ id: 'plain', tags: [], categories: ['Hats', 'ÄRMEL'] }]);
      expect(await idsOf({ categories: ['hAtS'] })).toEqual(['plain', 'far']);
      expect(await idsOf({ categories: ['ärmel'] })).toEqual(['plain']);
      await addProducts(api.database, [{ id: 'plain', tags: [], categories: [] }]);
      expect(await idsOf({ categories: ['hAtS'] })).toEqual(['far']);
    });

    test('a category or a tag that no product has is told, and the list is what was asked for', async () => {
      const noticesOf = async (filter: object) => {
        const query = `query ($filter: ProductFilter) {
          similarItems(id: "anchor", filter: $filter) { nodes { id } notices { code message path } }
          similarToProducts(ids: ["anchor"], filter: $filter) { notices { code message path } } }`;
        const { data } = await api.shop(query, { filter });
        expect(data.similarToProducts.notices).toEqual(data.similarItems.notices);
        return data.similarItems;
      };
      expect(await noticesOf({ categories: ['SHOES'], tags: ['new'] })).toEqual({
        nodes: [{ id: 'red' }],
        notices: [],
      });
      const filter = {
        categories: ['shoes', 'boats'],
        tags: ['used', 'New'],
        attributes: [{ name: 'brand', anyOf: ['acme', 'nobody'] }],
        not: { categories: ['Boats'], tags: ['old'] },
      };
      expect(await noticesOf(filter)).toEqual({
        nodes: [{ id: 'used' }],
        notices: [
          {
            code: 'UNKNOWN_CATEGORY',
            message: 'No product has this category',
            path: ['filter', 'categories', '1'],
          },
          {
            code: 'UNKNOWN_CATEGORY',
            message: 'No product has this category',
            path: ['filter', 'not', 'categories', '0'],
          },
          { code: 'UNKNOWN_TAG', message: 'No product has this tag', path: ['filter', 'tags', '1'] },
          {
            code: 'UNKNOWN_TAG',
            message: 'No product has this tag',
            path: ['filter', 'attributes', '0', 'anyOf', '1'],
          },
          { code: 'UNKNOWN_TAG', message: 'No product has this tag', path: ['filter', 'not', 'tags', '0'] },
        ],
      });
      expect((await noticesOf({})).notices).toEqual([]);
    });

    test('a list ends where likeness falls below the least score, and the filter goes on as before', async () => {
      const all = await list({});
      const scores = all.edges.map(({ score }: { score: number }) => score);
      expect(all.status).toBe('OK');
      const { status, nodes, pageInfo } = await list({ minScore: scores[2] });
      expect([status, nodes.length, pageInfo.hasNextPage]).toEqual(['PARTIAL', 3, false]);
      const first = await list({ minScore: scores[2], first: 2 });
      expect([first.status, first.pageInfo.hasNextPage]).toEqual(['OK', true]);
      const second = await list({ minScore: scores[2], first: 2, after: first.pageInfo.endCursor });
      expect(second.nodes).toEqual([nodes[2]]);
      expect(second.pageInfo.hasNextPage).toBe(false);
      expect((await list({ minScore: scores[2], filter: { not: { tags: ['used'] } } })).nodes).toHaveLength(2);
      expect((await list({ minScore: 1 })).nodes).toEqual([]);
      for (const minScore of [-0.1, 1.1]) expect(codeOf(await api.shop(LIST, { minScore }))).toBe('INVALID_ARGUMENT');
    });

    test('by diversity each next product is also judged by how little it is like those before, on whatever page', async () => {
      // Likeness of two is 1 - (2 - 2 cos) / 4 of the angle between them.
      const like = (a: number, b: number) => (1 + Math.cos(a - b)) / 2;
      const angles = Object.entries(PRODUCTS).map(([id, { angle }]) => ({ id, angle }));
      const order = (diversity: number) => {
        const [anchor, ...left] = angles;
        const shown: typeof left = [];
        while (left.length > 0) {
          const gains = left.map(
            ({ angle }) =>
              (1 - diversity) * like(angle, anchor!.angle) -
              diversity * Math.max(0, ...shown.map((one) => like(angle, one.angle))),
          );
          shown.push(...left.splice(gains.indexOf(Math.max(...gains)), 1));
        }
        return shown.map(({ id }) => id);
      };
      expect(order(0.6)).toEqual(['red', 'far', 'plain', 'used', 'other']);
      for (const diversity of [0, 0.3, 0.6, 1]) {
        const nodes = (await list({ diversity })).nodes.map(({ id }: { id: string }) => id);
        expect(nodes).toEqual(order(diversity));
        const first = await list({ diversity, first: 2 });
        const second = await list({ diversity, first: 3, after: first.pageInfo.endCursor });
        expect([...first.nodes, ...second.nodes].map(({ id }: { id: string }) => id)).toEqual(nodes);
      }
      for (const diversity of [-0.1, 1.1]) expect(codeOf(await api.shop(LIST, { diversity }))).toBe('INVALID_ARGUMENT');
    });

    test('of near-duplicates of one picture the nearest that passes is shown, and none of the anchor, on whatever page', async () => {
      const distinctPictures = true;
      const found = await list({ distinctPictures });
      expect(found).toMatchObject({ status: 'PARTIAL', pageInfo: { hasNextPage: false } });
      expect(found.nodes).toEqual([{ id: 'other' }, { id: 'far' }]); // `red` and `used` look like the anchor, `plain` like `other`
      for (const diversity of [0, 0.5]) {
        const first = await list({ distinctPictures, diversity, first: 1 });
        expect(first).toMatchObject({ status: 'OK', nodes: [{ id: 'other' }], pageInfo: { hasNextPage: true } });
        const second = await list({ distinctPictures, diversity, first: 1, after: first.pageInfo.endCursor });
        expect(second).toMatchObject({ nodes: [{ id: 'far' }], pageInfo: { hasNextPage: false } });
      }
      const passing = await list({ distinctPictures, filter: { not: { categories: ['sale'] } } });
      expect(passing.nodes).toEqual([{ id: 'plain' }, { id: 'far' }]);
      const alike = await list({ distinctPictures, minScore: found.edges[0].score });
      expect(alike.nodes).toEqual([{ id: 'other' }]);
      for (const none of [false, null]) expect((await list({ distinctPictures: none })).nodes).toHaveLength(5);
      const nested = '{ product(by: { id: "anchor" }) { similarItems(distinctPictures: true) { nodes { id } } } }';
      expect((await api.shop(nested)).data.product.similarItems.nodes).toEqual(found.nodes);
    });

    test('of variants the nearest that passes is shown, and none of the anchor', async () => {
      const inGroup = (group: string, ...members: (keyof typeof PRODUCTS)[]) =>
        members.map((id) => ({ id, tags: PRODUCTS[id].tags, categories: PRODUCTS[id].categories, groupId: group }));
      await addProducts(api.database, [...inGroup('shoe', 'anchor', 'plain'), ...inGroup('boot', 'red', 'used')]);
      expect(await idsOf({})).toEqual(['red', 'other', 'far']);
      expect(await idsOf({ not: { tags: ['new'] } })).toEqual(['used', 'other', 'far']);
    });
  });
}

describeFilters('PGlite');
describeFilters('Postgres', ['postgres']);
