// @module-tag postgres
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { CategoryIndexRepository } from '../../src/db/category-indexes.ts';
import { candidatesWithin } from '../../src/db/indexes/category-candidates.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import { CategoriesOfSearch } from '../../src/db/search/category.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { IndexBuild, Storage } from '../../src/db/session/storage.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession, untilWaitedFor } from '../support/other-session.ts';
import { type FreshPostgres, freshPostgresDatabase, postgresUrl } from '../support/services.ts';

const SPACE = pictureSpace(2);
const WORDS = { ...pictureSpace(3), name: 'words' };
const PRODUCTS = 40;
const idOf = (i: number): string => `p${String(i).padStart(2, '0')}`;
const ids = Array.from({ length: PRODUCTS }, (_, i) => idOf(i));
const vectorOf = (i: number) => unit([Math.cos(i / 10), Math.sin(i / 10)]);
/** 20 products are `even`, 10 are `four`; too few are `eight`, too many `any`. */
const categoriesOf = (i: number): string[] => [
  'any',
  ...(i % 2 ? [] : ['even']),
  ...(i % 4 ? [] : ['four']),
  ...(i % 8 ? [] : ['eight']),
];
const BOUNDS = { fewest: 6, mostRanked: 10, mostRankedByRoot: 1e9, mostShare: 0.5, most: 4 };
const EVEN = { categories: ['even'] };

let database: FreshPostgres;
let storage: Storage;
let repositories: Repositories;
let model = 0;
beforeAll(async () => {
  const url = new URL(postgresUrl());
  url.searchParams.set('options', '-c enable_sort=off -c jit=off'); // by the index, of so few products, too
  database = await freshPostgresDatabase(url.href);
  storage = await openPostgres(database.url);
  repositories = makeRepositories(storage, 'default');
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  if (model > 0) await repositories.embeddings.dropTables(model, [SPACE, WORDS]);
  await repositories.products.remove(ids);
  await addProducts(
    { repositories },
    ids.map((id, i) => ({ id, categories: categoriesOf(i) })),
  );
  await repositories.embeddings.createTable(++model, SPACE);
  await upsert(ids.map((_, i) => i));
  await repositories.embeddings.createIndex(model, SPACE);
});

const upsert = (those: readonly number[], shift = 0) =>
  repositories.embeddings.upsert(
    model,
    those.map((i) => ({ productId: idOf(i), contentHash: 'h', vector: vectorOf(i + shift) })),
  );
const categorise = (i: number, categories: readonly string[]) =>
  addProducts({ repositories }, [{ id: idOf(i), categories: [...categories] }]);
/** Products up to which a category is ranked: `even` has an index of neighbours at 10. */
let mostRanked = 10;
function build(how: IndexBuild = {}, space = SPACE) {
  const { prisma, ask } = storage;
  return new CategoryIndexRepository(prisma, ask, storage, 'default', { ...BOUNDS, mostRanked }).build(
    model,
    space,
    how,
  );
}
/** Begins, and is stopped before anything is copied. */
const begin = () => expect(build({ signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
/** Nothing is remembered: another process asks. */
async function ask(filter: SearchFilter, limit = 5, spaces = [SPACE]): Promise<string[]> {
  const search = new SearchRepository(storage.ask, 'default', 3);
  const [found] = await search.nearestOfEach({ number: model, spaces }, ['p01'], filter, limit);
  return found!.neighbours.map(({ productId }) => productId);
}
const query = <Row>(text: string) => storage.prisma.$queryRawUnsafe<Row[]>(text);
const COPIES = () => `simili.category_${model}`;

/** Rows that lack or have another vector, and those of a category that the product has not, which may only be there behind a copying. */
async function wrong(name = '') {
  const right = `SELECT e.product_id, c.number AS category, e.vec::text FROM simili.embedding_${model}${name} e
    JOIN simili.product p ON p.id = e.product_id
    JOIN simili.category_index c ON c.vectors = 'embedding_${model}${name}' AND c.category = ANY(p.categories)`;
  const copies = `SELECT product_id, category, vec::text FROM simili.category_${model}${name}`;
  const missing = await query<{ product_id: string }>(`${right} EXCEPT ${copies}`);
  const stale = await query<{ product_id: string }>(`${copies} EXCEPT ${right}`);
  return { missing, stale };
}
const RIGHT = { missing: [], stale: [] };

const client = () => otherSession(database.url);
/** Somebody has done this and not committed; `work` begins something that has to wait for him. */
async function beside(statement: string, work: () => Promise<unknown>): Promise<void> {
  const [other, watcher] = [await client(), await client()];
  try {
    await other.query(`BEGIN; ${statement}`);
    const working = Promise.resolve(work()); // a query of Prisma's begins when it is waited for
    await untilWaitedFor(other, watcher);
    await other.query('COMMIT');
    await working;
  } finally {
    await Promise.all([other.end(), watcher.end()]);
  }
}

describe.each([
  ['by its neighbours', 10],
  ['as a whole', 20],
])('a category that is searched %s', (_, most) => {
  beforeEach(() => {
    mostRanked = most;
  });
  afterAll(() => {
    mostRanked = 10;
  });

  test('the largest categories have an index of their own, by which a filter of one is searched', async () => {
    const heard: number[] = [];
    await build({ onProgress: (share) => heard.push(share) });
    expect(await query('SELECT number, category FROM simili.category_index ORDER BY number')).toEqual([
      { number: 1, category: 'even' },
      { number: 2, category: 'four' },
    ]);
    expect(await wrong()).toEqual(RIGHT);
    expect(heard.at(0)).toBe(0);
    expect(heard).toContain(2 / 3);
    const kinds = `SELECT a.amname FROM pg_class i JOIN pg_am a ON a.oid = i.relam WHERE i.relname ~ '^category_${model}_vec' ORDER BY i.relname`;
    expect(await query(kinds)).toEqual([{ amname: most < 20 ? 'hnsw' : 'btree' }, { amname: 'btree' }]);
    expect(heard.at(-1)).toBe(1);
    const expected = ['p00', 'p02', 'p04', 'p06', 'p08'];
    expect(await ask(EVEN)).toEqual(expected);
    expect(await ask({ ...EVEN, excludeIds: ['p00'] })).toEqual([...expected.slice(1), 'p10']);
    expect(await ask({ ...EVEN, maxPrice: '1' })).toEqual([]);
    // What is read are the copies: one that says p38 is nearest is believed, where the category is asked for alone.
    await query(
      `UPDATE ${COPIES()} SET vec = '${JSON.stringify([...vectorOf(1)])}' WHERE product_id = 'p38' AND category = 1`,
    );
    expect(await ask(EVEN)).toEqual(['p38', ...expected.slice(0, 4)]);
    expect(await ask({ categories: ['even', 'four'] })).toEqual(expected);
    expect(await ask({})).not.toContain('p38');
  });

  test('a page of several anchors, of a vector and behind a cursor is the same by the index of a category', async () => {
    await build();
    const version = { number: model, spaces: [SPACE] };
    const lists = async (how: { way?: 'exact' }) => {
      const search = new SearchRepository(storage.ask, 'default', 3);
      const all = await search.nearestOfAll(version, ['p01', 'p03'], EVEN, 4, null, how);
      const { l2, productId } = all.neighbours[1]!;
      const next = await search.nearestOfAll(version, ['p01', 'p03'], EVEN, 4, { l2, productId }, how);
      const seen = await search.nearestToVector(version, vectorOf(7.1), EVEN, 4, null, how);
      const each = await search.nearestOfEach(version, ['p01', 'p09', 'p20'], EVEN, 4, null, how);
      return [all, next, seen, ...each].map(({ neighbours }) => neighbours.map((one) => one.productId));
    };
    const exact = await lists({ way: 'exact' });
    expect(exact.every((list) => list.length === 4)).toBe(true);
    expect(await lists({})).toEqual(exact);
  });

  test('of a group the variant that stands for it is the same one, also when another one passes', async () => {
    await addProducts({ repositories }, [
      { id: 'p02', categories: ['even'], groupId: 'g' },
      { id: 'p04', categories: ['even'], groupId: 'g' },
    ]);
    await build();
    expect(await ask(EVEN)).toEqual(['p00', 'p02', 'p06', 'p08', 'p10']);
    expect(await ask({ ...EVEN, excludeIds: ['p02'] })).toEqual(['p00', 'p04', 'p06', 'p08', 'p10']);
  });

  test('a version of several spaces is searched by the indexes of a category in each', async () => {
    const { embeddings } = repositories;
    await embeddings.createTable(model, WORDS);
    const words = ids.map((productId, i) => ({
      productId,
      contentHash: 'h',
      vector: i === 6 ? null : unit([1, i % 5, i % 3]),
    }));
    await embeddings.upsert(model, words, WORDS);
    await embeddings.createIndex(model, WORDS);
    const spaces = [SPACE, WORDS];
    const before = await ask(EVEN, 10, spaces);
    await build();
    expect(await ask(EVEN, 10, spaces)).toEqual(before); // one of two is not enough
    await build({}, WORDS);
    expect(await wrong('_words')).toEqual(RIGHT);
    expect(await ask(EVEN, 10, spaces)).toEqual(before);
    await embeddings.upsert(model, [{ productId: 'p02', contentHash: 'h', vector: null }], WORDS);
    expect(await wrong('_words')).toEqual(RIGHT);
    await query(`DELETE FROM ${COPIES()}; `);
    await query(`DELETE FROM ${COPIES()}_words`);
    expect((await ask(EVEN, 10, spaces)).length).toBe(10); // short by the indexes: all are ranked
  });
});

describe('how far a search by the index of a category looks', () => {
  const of = (spaces = [SPACE], lists = 1) =>
    new CategoriesOfSearch(storage.ask, 'default').of(model, spaces, EVEN, lists, null);
  const say = (candidates: number | null) =>
    query(`UPDATE simili.category_index SET candidates = ${candidates} WHERE category = 'even'`);

  test('is measured when it is built, and not where a category is ranked as a whole', async () => {
    await build();
    const measured = 'SELECT category, candidates FROM simili.category_index ORDER BY number';
    expect(await query(measured)).toEqual([
      { category: 'even', candidates: 200 },
      { category: 'four', candidates: null },
    ]);
    await say(750);
    await build(); // what was measured stays
    expect(await of()).toMatchObject({ ranked: [false], candidates: 750 });
    await say(null); // whoever was stopped before that
    await build();
    expect(await of()).toMatchObject({ ranked: [false], candidates: 200 });
  });

  test('is all of it where no search finds enough, and of several spaces the farthest', async () => {
    await repositories.embeddings.createTable(model, WORDS);
    const words = ids.map((productId, i) => ({ productId, contentHash: 'h', vector: unit([1, i % 5, i % 3]) }));
    await repositories.embeddings.upsert(model, words, WORDS);
    await repositories.embeddings.createIndex(model, WORDS);
    for (const space of [SPACE, WORDS]) await build({}, space);
    const both = async (candidates: number) => {
      await query(`UPDATE simili.category_index SET candidates = ${candidates} WHERE vectors = 'embedding_${model}'`);
      return of([SPACE, WORDS]);
    };
    expect(await both(750)).toMatchObject({ ranked: [false, false], candidates: 750 });
    expect(await both(0)).toMatchObject({ ranked: [true, false], candidates: 200 });
    expect(await of()).toMatchObject({ ranked: [true], candidates: null });
    expect(await ask(EVEN)).toEqual(['p00', 'p02', 'p04', 'p06', 'p08']);
    await say(null);
    expect(await of([SPACE, WORDS])).toMatchObject({ ranked: [false, false], candidates: null });
    await say(0);
    await query(`DROP INDEX ${COPIES()}_category_idx`); // an older worker made none
    expect(await of()).toMatchObject({ ranked: [false], candidates: null });
  });

  test('is less for many lists at once, which take their time together', async () => {
    await build();
    const both = async (candidates: number) => {
      await say(candidates);
      return [await of([SPACE], 4), await of([SPACE], 5)];
    };
    expect(await both(0)).toMatchObject([
      { ranked: [true], candidates: null },
      { ranked: [false], candidates: 400 },
    ]);
    expect(await both(1000)).toMatchObject([{ candidates: 1000 }, { candidates: 400 }]);
    expect(await both(200)).toMatchObject([{ candidates: 200 }, { candidates: 200 }]);
  });

  test('is as few candidates as find nearly all of the ten nearest', async () => {
    const random = makeRandom(5);
    const space = pictureSpace(16);
    const many = Array.from({ length: 300 }, (_, i) => `many${i}`);
    await addProducts(
      { repositories },
      many.map((id) => ({ id, categories: ['even'] })),
    );
    await repositories.embeddings.dropTables(model, [SPACE]);
    await repositories.embeddings.createTable(++model, space);
    const vectors = many.map((productId) => ({
      productId,
      contentHash: 'h',
      vector: unit(Array.from({ length: 16 }, () => random.gaussian())),
    }));
    await repositories.embeddings.upsert(model, vectors, space);
    await repositories.embeddings.createIndex(model, space);
    const { prisma, ask: statement } = storage;
    const bounds = { ...BOUNDS, mostShare: 1 };
    await new CategoryIndexRepository(prisma, statement, storage, 'default', bounds).build(model, space);
    const category = { vectors: `simili.embedding_${model}`, copies: COPIES(), space, number: 1 };
    const measured = (efforts: number[], products = many.length) =>
      candidatesWithin(statement, { ...category, products }, undefined, efforts);
    expect(await measured([1, 9, 100, 200])).toBe(100); // nine candidates cannot be ten
    expect([await measured([1, 9], 125_000), await measured([1, 9], 125_001)]).toEqual([0, 9]);
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(candidatesWithin(statement, { ...category, products: 300 }, stopped)).rejects.toThrow('stopped');
    await repositories.products.remove(many);
  });
});

describe('copies follow', () => {
  beforeEach(() => build());

  test('vectors that are written, and products that enter, leave and go', async () => {
    await upsert([2, 3, 8], 5);
    expect(await wrong()).toEqual(RIGHT);
    await categorise(3, ['any', 'even', 'four']);
    await categorise(8, ['any']);
    await categorise(4, ['four', 'four', 'any']);
    expect(await wrong()).toEqual(RIGHT);
    expect(await ask(EVEN)).toEqual(['p00', 'p06', 'p02', 'p03', 'p10']);
    await repositories.products.remove(['p00']);
    expect(await wrong()).toEqual(RIGHT);
    expect(await query(`SELECT FROM ${COPIES()} WHERE product_id = 'p00'`)).toEqual([]);
  });

  test('a vector that is written while its product enters, whoever commits first', async () => {
    const enters = `UPDATE simili.product SET categories = '{even}' WHERE id = 'p05'`;
    await query(`DELETE FROM simili.embedding_${model} WHERE product_id = 'p05'`);
    await beside(enters, () => upsert([5]));
    expect(await wrong()).toEqual(RIGHT);
    await query(`DELETE FROM simili.embedding_${model} WHERE product_id = 'p07'`);
    const written = `INSERT INTO simili.embedding_${model} (product_id, content_hash, vec) VALUES ('p07', 'h', '[0, 1]')`;
    await beside(written, () => query(enters.replace('p05', 'p07')));
    expect(await wrong()).toEqual(RIGHT);
    expect(await query(`SELECT FROM ${COPIES()} WHERE product_id IN ('p05', 'p07')`)).toHaveLength(2);
  });
});

describe('indexes that are made', () => {
  test('have what was written and not committed when they were begun', async () => {
    const enters = `UPDATE simili.product SET categories = '{even}' WHERE id = 'p05'`;
    await beside(enters, () => build());
    expect(await wrong()).toEqual(RIGHT);
  });

  test('have vectors that were written and not committed when they were begun', async () => {
    await beside(`UPDATE simili.embedding_${model} SET vec = '[0, 1]' WHERE product_id = 'p06'`, () => build());
    expect(await wrong()).toEqual(RIGHT);
  });

  test('have what is written while vectors are copied, and not what was there before', async () => {
    await begin();
    await beside(`UPDATE simili.embedding_${model} SET vec = '[0, 1]' WHERE product_id = 'p06'`, () => build());
    expect(await wrong()).toEqual(RIGHT);
  });

  test('are not used before they are whole, and are gone on with wherever they were left', async () => {
    const before = await ask(EVEN);
    await begin();
    await begin();
    expect(await ask(EVEN)).toEqual(before);
    for (const left of [0, 2 / 3]) {
      const stop = new AbortController();
      const onProgress = (share: number) => void (share >= left && stop.abort(new Error('stopped')));
      await expect(build({ signal: stop.signal, onProgress })).rejects.toThrow('stopped');
      expect(await ask(EVEN)).toEqual(before);
    }
    await Promise.all([build(), build()]);
    await build();
    expect(await wrong()).toEqual(RIGHT);
    const valid = `SELECT FROM pg_index WHERE indrelid = '${COPIES()}'::regclass AND indisvalid AND NOT indisunique`;
    expect(await query(valid)).toHaveLength(3); // of two categories, and the one by which all of a category are found
  });

  test('are stopped and dropped with their version, while they are built, too', async () => {
    await begin();
    const other = await client();
    await other.query(`BEGIN; INSERT INTO ${COPIES()} (product_id, category, vec) VALUES ('p01', 9, '[1, 0]')`); // a build waits for that
    const building = build().catch((error: unknown) => error);
    const isBuilding = async () =>
      (await query(`SELECT FROM pg_stat_progress_create_index WHERE relid = '${COPIES()}'::regclass`)).length > 0;
    await expect.poll(isBuilding).toBe(true);
    expect(await repositories.embeddings.dropTables(model, [SPACE])).toBe(false);
    expect(await building).toMatchObject({ code: '57014' });
    await other.query('COMMIT');
    await other.end();
    await expect.poll(() => repositories.embeddings.dropTables(model, [SPACE])).toBe(true);
    expect(await query(`SELECT FROM simili.category_index`)).toEqual([]);
    expect(await query(`SELECT FROM pg_class WHERE relname LIKE 'category_${model}%'`)).toEqual([]);
    await expect(build()).rejects.toThrow('no vectors');
    await categorise(1, ['even']); // nothing of them is left that would look
  });

  test('go with their catalog', async () => {
    const { catalogs } = repositories;
    await catalogs.create('red');
    const red = repositories.forCatalog('red');
    await addProducts(
      { repositories: red },
      ids.map((id, i) => ({ id, categories: categoriesOf(i) })),
    );
    await red.embeddings.createTable(1, SPACE);
    await red.embeddings.upsert(
      1,
      ids.map((productId, i) => ({ productId, contentHash: 'h', vector: vectorOf(i) })),
    );
    const { prisma, ask: statement } = storage;
    await new CategoryIndexRepository(prisma, statement, storage, 'red', BOUNDS).build(1, SPACE);
    await addProducts({ repositories: red }, [{ id: 'p01', categories: ['four'] }]);
    expect(await query(`SELECT FROM simili_red.category_1 WHERE product_id = 'p01' AND category = 2`)).toHaveLength(1);
    expect(await catalogs.remove('red')).toBe(true);
    expect(await query(`SELECT FROM simili.category_index WHERE catalog_id = 'red'`)).toEqual([]);
  });
});

test('a product that leaves while it is copied is left out', async () => {
  await begin();
  await beside(`DELETE FROM simili.product WHERE id = 'p08'`, () => build());
  expect(await wrong()).toEqual(RIGHT);
  expect(await ask(EVEN)).toEqual(['p00', 'p02', 'p04', 'p06', 'p10']);
});

test('no copy is missing or old whatever happens at once, while the indexes are made and afterwards', async () => {
  const random = makeRandom(21);
  const other = makeRepositories(storage, 'default');
  const some = () => Array.from({ length: 1 + random.int(8) }, () => random.int(PRODUCTS));
  const once = (those: readonly number[]) => [...new Set(those)];
  const names = ['any', 'even', 'four', 'eight'];
  const acts = [
    () => upsert(once(some()), random.int(30)),
    () =>
      addProducts(
        { repositories: other },
        once(some()).map((i) => ({ id: idOf(i), categories: names.filter(() => random.int(2) > 0) })),
      ),
    () => other.products.remove([idOf(random.int(PRODUCTS))]),
  ];
  let isMade = false;
  const busy = async (least: number) => {
    for (let i = 0; i < least || !isMade; i++) await acts[random.int(10) < 1 ? 2 : random.int(2)]!();
  };
  const building = build().finally(() => {
    isMade = true;
  });
  await Promise.all([building, busy(60), busy(60), busy(60), busy(60)]);
  const { missing, stale } = await wrong();
  expect(missing).toEqual([]);
  // A product may have left while it was copied; its copy stays, and is not in any list.
  const shown = await ask(EVEN, PRODUCTS);
  const even = await query<{ id: string }>(
    `SELECT p.id FROM simili.product p JOIN simili.embedding_${model} e ON e.product_id = p.id WHERE 'even' = ANY(categories) AND id <> 'p01'`,
  );
  const hasAnchor = await query(`SELECT FROM simili.embedding_${model} WHERE product_id = 'p01'`);
  if (hasAnchor.length > 0) expect(shown.sort()).toEqual(even.map(({ id }) => id).sort());
  expect(stale.length).toBeLessThan(PRODUCTS);
});

test('of a category that is ranked the nearest are kept, and all where a page finds too few that pass among them', async () => {
  const many = Array.from({ length: 2000 }, (_, i) => `q${String(i).padStart(4, '0')}`);
  const drafts = many.map((id, i) => ({ id, categories: ['big'], price: `${i}.00`, currencyCode: 'EUR' }));
  await addProducts({ repositories }, drafts);
  const vectors = many.map((productId, i) => ({ productId, contentHash: 'h', vector: vectorOf(i / 80) }));
  await repositories.embeddings.upsert(model, vectors);
  const { prisma, ask: asking } = storage;
  const bounds = { ...BOUNDS, mostRanked: 2000, mostRankedByRoot: 1e9, mostShare: 1 };
  await new CategoryIndexRepository(prisma, asking, storage, 'default', bounds).build(model, SPACE);
  let statements = 0;
  const search = new SearchRepository(
    (statement, values) => {
      if (/FROM simili|category_\d+ e /.test(statement.text) && /ORDER BY l2 (LIMIT|OFFSET)/.test(statement.text))
        statements++;
      return storage.ask(statement, values);
    },
    'default',
    3,
  );
  const page = async (filter: SearchFilter, anchor = 'q0000') => {
    statements = 0;
    const [found] = await search.nearestOfEach({ number: model, spaces: [SPACE] }, [anchor], filter, 6);
    return { statements, ids: found!.neighbours.map(({ productId }) => productId) };
  };
  const BIG = { categories: ['big'] };
  expect(await page(BIG)).toEqual({ statements: 1, ids: many.slice(1, 7) });
  // Three in four pass, and none of the nearest, which are also the sample. It is remembered, so that the next page begins with all.
  const far = { ...BIG, minPrice: '500.00' };
  expect(await page(far)).toEqual({ statements: 2, ids: many.slice(500, 506) });
  expect(await page(far)).toEqual({ statements: 1, ids: many.slice(500, 506) });
  // The sample has nobody near this one.
  expect(await page(BIG, 'q1999')).toEqual({ statements: 1, ids: many.slice(-7, -1).reverse() });
  await repositories.products.remove(many);
});
