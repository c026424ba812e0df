import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { FeedbackKind } from '../../src/db/feedback.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

let api: TestApi;
let modelId: string;
/** The first three numbers are of shapes, with 36 % of the squared distance, the last two of colours. */
const BLOCKS = [
  { feature: 'hog', share: 0.36, length: 3 },
  { feature: 'pixels', share: 0, length: 0 },
  { feature: 'colour', share: 0.64, length: 2 },
];
beforeAll(async () => {
  api = await testApi();
  await addProducts(
    api.database,
    ['a', 'b', 'c', 'cold'].map((id) => ({ id })),
  );
  // Alike in colour, at a right angle in shape; opposite in both.
  const model = await addModel(api.database, {
    a: [0.6, 0, 0, 0.8, 0],
    b: [0, 0.6, 0, 0.8, 0],
    c: [-0.6, 0, 0, -0.8, 0],
  });
  modelId = model.id;
});
afterAll(() => api[Symbol.asyncDispose]());

const explain = async (a: string, b: string) =>
  (
    await api.admin(
      `query ($a: ID!, $b: ID!) { explainSimilarity(a: $a, b: $b) {
        modelVersionId score parts { name title share score } chosenBy clickedBy addedToCartBy boughtBy dismissedBy } }`,
      { a, b },
    )
  ).data.explainSimilarity;
const told = (blocks: object[] | null) =>
  api.database.storage.prisma.modelVersion.updateMany({
    where: { id: modelId },
    data: { metrics: blocks ? { training: { blocks } } : {} },
  });

const NOBODY = { chosenBy: null, clickedBy: null, addedToCartBy: null, boughtBy: null, dismissedBy: null };

test('the likeness of two products is the sum of its parts, and the same that their list shows', async () => {
  await told(BLOCKS);
  const { score, parts, ...rest } = await explain('a', 'b');
  expect(parts).toEqual([
    { name: 'colour', title: 'Colours', share: 0.64, score: 1 },
    { name: 'hog', title: 'Shapes: directions of edges', share: 0.36, score: expect.closeTo(0.5, 6) },
  ]);
  expect(score).toBeCloseTo(0.82, 6);
  expect(rest).toEqual({ modelVersionId: modelId, ...NOBODY });
  const list = await api.shop('{ similarItems(id: "a") { edges { score node { id } } } }');
  expect(list.data.similarItems.edges[0]).toEqual({ score: expect.closeTo(score, 5), node: { id: 'b' } });
  expect((await explain('a', 'c')).score).toBeCloseTo(0, 6);
});

test('a version whose training told nothing of its blocks has one part, and so has one whose blocks do not fit', async () => {
  for (const blocks of [null, BLOCKS.slice(1)]) {
    await told(blocks);
    const { score, parts } = await explain('b', 'a');
    expect(parts).toEqual([{ name: 'pictures', title: 'Pictures', share: 1, score }]);
    expect(score).toBeCloseTo(0.82, 6);
  }
});

test('where one of the two has no vector, or is none of the catalog, there is nothing to explain', async () => {
  for (const other of ['cold', 'nobody']) expect(await explain('a', other)).toBeNull();
});

const write = (kind: FeedbackKind, visitorIds: readonly string[], anchorId: string, itemId: string) =>
  Promise.all(
    visitorIds.map((visitorId) =>
      api.database.repositories.feedback.append(visitorId, [
        {
          eventId: randomUUID(),
          kind,
          anchorId,
          itemIds: [itemId],
          positions: [1],
          modelId,
          occurredAt: new Date(),
          listId: randomUUID(),
          listedAt: new Date(),
          listExpiresAt: new Date(Date.now() + 1000),
          filtered: false,
        },
      ]),
    ),
  );
const visitors = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);

test('of fewer than twenty people nothing is shown', async () => {
  await write('CLICK', visitors('click', 19), 'a', 'b');
  await write('CLICK', visitors('click', 12), 'b', 'a'); // the same people
  await write('DISMISS', visitors('dismiss', 20), 'b', 'a');
  await write('CLICK', visitors('click', 30), 'a', 'c');
  await write('IMPRESSION', visitors('look', 30), 'a', 'b');
  expect(await explain('a', 'b')).toMatchObject({ ...NOBODY, dismissedBy: 20 });
  await write('CLICK', visitors('click', 20), 'a', 'b');
  expect(await explain('b', 'a')).toMatchObject({ ...NOBODY, chosenBy: 20, clickedBy: 20, dismissedBy: 20 });
});

test('how one product was chosen beside another is told by visitors of each kind, as counted one by one', async () => {
  const random = makeRandom(5);
  const kinds = ['CLICK', 'VIEW', 'ADD_TO_CART', 'PURCHASE', 'DISMISS'] as const;
  const did = new Map<string, Set<string>>(kinds.map((kind) => [kind, new Set()]));
  for (let i = 0; i < 200; i++) {
    const kind = kinds[random.int(kinds.length)]!;
    const visitor = `somebody ${random.int(70)}`;
    did.get(kind)!.add(visitor);
    await write(kind, [visitor], ...((random.int(2) === 0 ? ['b', 'c'] : ['c', 'b']) as ['b', 'c']));
  }
  const of = (...some: (typeof kinds)[number][]) => new Set(some.flatMap((kind) => [...did.get(kind)!])).size;
  expect(await explain('b', 'c')).toMatchObject({
    chosenBy: of('CLICK', 'VIEW', 'ADD_TO_CART', 'PURCHASE'),
    clickedBy: of('CLICK', 'VIEW'),
    addedToCartBy: of('ADD_TO_CART'),
    boughtBy: of('PURCHASE'),
    dismissedBy: of('DISMISS'),
  });
  await write('PURCHASE', visitors('buyer', 19), 'a', 'c');
  await write('ADD_TO_CART', visitors('buyer', 20), 'a', 'c');
  // Beside the thirty who clicked it before.
  expect(await explain('a', 'c')).toMatchObject({ chosenBy: 50, clickedBy: 30, addedToCartBy: 20, boughtBy: null });
});
