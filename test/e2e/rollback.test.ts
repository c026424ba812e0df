import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addModel, addProducts, type TestModel } from '../support/fixtures.ts';

const ROLLBACKS = 40;
const SHOPPERS = 6;
/** Longer than a node goes by what it has read of the serving version. */
const FORGETS_MS = 1000;

let database: FreshDatabase;
let nodes: TestApi[];
/** Both know the anchor; what they find is their own. */
let versions: Map<string, string[]>;
beforeAll(async () => {
  database = await freshDatabase();
  const shared = { ...database, [Symbol.asyncDispose]: async () => {} };
  nodes = await Promise.all([1, 2].map(() => testApi({}, { database: shared })));
  const itemsOf = (letter: string) => [1, 2, 3, 4].map((n) => `${letter}${n}`);
  await addProducts(
    database,
    ['q', ...itemsOf('a'), ...itemsOf('b')].map((id) => ({ id })),
  );
  const learn = (letter: string): Promise<TestModel> => {
    const near = itemsOf(letter).map((id, i) => [id, [1, 0.1 * i]] as const);
    return addModel(database, { q: [1, 0], ...Object.fromEntries(near) });
  };
  const [older, newer] = [await learn('a'), await learn('b')];
  versions = new Map([
    [older.id, itemsOf('a')],
    [newer.id, itemsOf('b')],
  ]);
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** The inner lists are searched after the outer one was answered: what serves may be another version by then. */
const LISTS =
  '{ similarItems(id: "q") { ...list nodes { similarItems { ...list } } } } fragment list on SimilarItemConnection { modelVersionId nodes { id } }';
type List = { modelVersionId: string; nodes: { id: string; similarItems?: List }[] };
const inner = ({ nodes }: List): List[] => nodes.flatMap(({ similarItems }) => (similarItems ? [similarItems] : []));

test(`${ROLLBACKS} rollbacks on two nodes while shoppers ask both: every answer is of one version, the one that it names`, async () => {
  let rolling = true;
  let answered = 0;
  const mixed: unknown[] = [];
  const seen = new Set<string>();
  const shop = async (node: TestApi): Promise<void> => {
    while (rolling) {
      const { data, errors } = await node.shop(LISTS);
      const outer = data?.similarItems as List | undefined;
      const named = outer?.modelVersionId ?? '';
      const known = new Set(['q', ...(versions.get(named) ?? [])]);
      const isOfOne = ({ modelVersionId, nodes }: List) =>
        modelVersionId === named && nodes.length === known.size - 1 && nodes.every(({ id }) => known.has(id));
      if (errors || !outer || ![outer, ...inner(outer)].every(isOfOne)) mixed.push({ data, errors });
      seen.add(named);
      answered += 1;
    }
  };
  const shoppers = Array.from({ length: SHOPPERS }, (_, i) => shop(nodes[i % 2]!));
  const served: string[] = [];
  for (let i = 0; i < ROLLBACKS; i++) {
    const before = answered;
    const { data } = await nodes[i % 2]!.admin('mutation { rollback { activeModel { id } userErrors { code } } }');
    expect(data.rollback.userErrors).toEqual([]);
    served.push(data.rollback.activeModel.id);
    for (const { clock } of nodes) clock.aheadMs += FORGETS_MS;
    while (answered < before + SHOPPERS) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  rolling = false;
  await Promise.all(shoppers);
  expect(mixed).toEqual([]);
  expect(served).toEqual(Array.from({ length: ROLLBACKS }, (_, i) => [...versions.keys()][i % 2]));
  expect([...seen].sort()).toEqual([...versions.keys()].sort());
});
