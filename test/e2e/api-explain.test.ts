import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
        modelVersionId score parts { name title share score } chosenBy dismissedBy } }`,
      { a, b },
    )
  ).data.explainSimilarity;
const told = (blocks: object[] | null) =>
  api.database.storage.prisma.modelVersion.updateMany({
    where: { id: modelId },
    data: { metrics: blocks ? { training: { blocks } } : {} },
  });

test('the likeness of two products is the sum of its parts, and the same that their list shows', async () => {
  await told(BLOCKS);
  const { score, parts, ...rest } = await explain('a', 'b');
  expect(parts).toEqual([
    { name: 'colour', title: 'Colours', share: 0.64, score: 1 },
    { name: 'hog', title: 'Shapes: directions of edges', share: 0.36, score: expect.closeTo(0.5, 6) },
  ]);
  expect(score).toBeCloseTo(0.82, 6);
  expect(rest).toEqual({ modelVersionId: modelId, chosenBy: null, dismissedBy: null });
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

test('of fewer than twenty people nothing is shown', async () => {
  const write = (visitors: number, kind: 'CLICK' | 'DISMISS', anchorId: string, item: string) =>
    Promise.all(
      Array.from({ length: visitors }, (_, i) =>
        api.database.repositories.feedback.append(`${kind} ${i}`, [
          {
            eventId: randomUUID(),
            kind,
            anchorId,
            itemIds: [item],
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
  await write(19, 'CLICK', 'a', 'b');
  await write(12, 'CLICK', 'b', 'a'); // the same people
  await write(20, 'DISMISS', 'b', 'a');
  await write(30, 'CLICK', 'a', 'c');
  expect(await explain('a', 'b')).toMatchObject({ chosenBy: null, dismissedBy: 20 });
  await write(20, 'CLICK', 'a', 'b');
  expect(await explain('b', 'a')).toMatchObject({ chosenBy: 20, dismissedBy: 20 });
});
