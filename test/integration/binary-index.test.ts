// @module-tag postgres
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { CategoryIndexRepository } from '../../src/db/category-indexes.ts';
import { measureCandidates } from '../../src/db/indexes/measured-candidates.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import { SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { databaseByIndex } from '../support/by-index.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import type { FreshPostgres } from '../support/services.ts';

const PRODUCTS = 1200;
const DIMENSIONS = 48;
const CANDIDATES = 700;
const SPACE = pictureSpace(DIMENSIONS, 'halfvec', { isBinary: true, candidates: CANDIDATES });
const VERSION = { number: 1, spaces: [SPACE] };
const TABLE = 'simili.embedding_1';
const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${String(i).padStart(4, '0')}`);
/** Three in four have it: too many for an index of their own by the bounds of a shop. */
const MANY: SearchFilter = { categories: ['many'] };

let database: FreshPostgres;
let storage: Storage;
let repositories: Repositories;
const asked: { text: string; settings: unknown[] }[] = [];
let search: SearchRepository;

beforeAll(async () => {
  database = await databaseByIndex();
  storage = await openPostgres(database.url);
  repositories = makeRepositories(storage, 'default');
  await addProducts(
    { repositories },
    ids.map((id, i) => ({
      id,
      categories: i % 4 ? ['many'] : [],
      ...(i % 8 === 1 && { price: '2.00', currencyCode: 'EUR' }),
    })),
  );
  const random = makeRandom(3);
  const vectors = ids.map((productId) => ({
    productId,
    contentHash: 'h',
    vector: unit(Array.from({ length: DIMENSIONS }, () => random.gaussian())),
  }));
  await repositories.embeddings.createTable(VERSION.number, SPACE);
  await repositories.embeddings.upsert(VERSION.number, vectors, SPACE);
  await repositories.embeddings.createIndex(VERSION.number, SPACE);
});
afterAll(async () => {
  await storage.close();
  await database[Symbol.asyncDispose]();
});
/** Another process, which remembers nothing. */
function start(): void {
  asked.length = 0;
  const ask: Ask = (statement, values) => {
    const order = (values ?? []).findIndex((value) => /^(off|\w+_order)$/.test(String(value)));
    if (order > 0) asked.push({ text: statement.text, settings: values!.slice(order - 1, order + 1) });
    return storage.ask(statement, values);
  };
  search = new SearchRepository(ask, 'default', 3);
}
beforeEach(start);

const query = <Row>(text: string) => storage.prisma.$queryRawUnsafe<Row[]>(text);
const page = async (anchors = ['p0001'], filter: SearchFilter = {}, limit = 12, behind = null as never) =>
  (await search.nearestOfEach(VERSION, anchors, filter, limit, behind)).map(({ neighbours }) =>
    neighbours.map(({ productId }) => productId),
  );
const exact = async (anchor: string, filter: SearchFilter = {}, limit = 12) => {
  const [found] = await search.nearestOfEach(VERSION, [anchor], filter, limit, null, { way: 'exact' });
  return found!.neighbours.map(({ productId }) => productId);
};
const recallOf = (found: string[], of: string[]) => found.filter((id) => of.includes(id)).length / of.length;
/** How many of what the index gives are ranked anew. */
const rerankedBy = (sql: string) => Number(/<~>[\s\S]*? LIMIT (\d+)\) AS e ORDER BY l2/.exec(sql)?.[1]);
/** Times that the index was scanned. */
const scans = async () => {
  const [row] = await query<{ n: number }>(
    `SELECT idx_scan::int AS n FROM pg_stat_user_indexes WHERE indexrelname = 'embedding_1_vec_idx'`,
  );
  return row!.n;
};

test('the index is of the signs of vectors, much smaller than one of the vectors, and new vectors go into it with as much care', async () => {
  const [index] = await query<{ sql: string; bytes: number }>(
    `SELECT pg_get_indexdef('${TABLE}_vec_idx'::regclass) AS sql, pg_relation_size('${TABLE}_vec_idx')::int AS bytes`,
  );
  expect(index!.sql).toContain(`hnsw (((binary_quantize(vec))::bit(${DIMENSIONS})) bit_hamming_ops)`);
  expect(index!.sql).toContain(`ef_construction='400'`);
  await query(`CREATE INDEX full_index ON ${TABLE} USING hnsw (vec halfvec_l2_ops)`);
  const [full] = await query<{ bytes: number }>(`SELECT pg_relation_size('simili.full_index')::int AS bytes`);
  await query('DROP INDEX simili.full_index');
  expect(index!.bytes).toBeLessThan(0.85 * full!.bytes);
});

test('a page is searched for by it, and as many as the version says are ranked anew', async () => {
  const before = await scans();
  const [found] = await page();
  await expect.poll(scans).toBeGreaterThan(before); // a session tells within a second or so
  expect(asked.map(({ settings }) => settings)).toEqual([['750', 'off']]);
  expect(rerankedBy(asked[0]!.text)).toBe(750); // all that the round gives
  expect(recallOf(found!, await exact('p0001'))).toBeGreaterThan(0.9);
});

test('a narrower filter makes a round as much wider, and a scan that goes on gives what comes late, too', async () => {
  const [found] = await page(['p0002'], MANY);
  expect(asked.at(-1)!.settings).toEqual(['1000', 'off']);
  expect(rerankedBy(asked.at(-1)!.text)).toBe(1000);
  expect(recallOf(found!, await exact('p0002', MANY))).toBeGreaterThan(0.9);
  asked.length = 0;
  const [wide] = await page(['p0002'], {}, 100);
  expect(asked.map(({ settings }) => settings)).toEqual([['750', 'relaxed_order']]);
  expect(rerankedBy(asked[0]!.text)).toBe(CANDIDATES); // as many that pass
  expect(recallOf(wide!, await exact('p0002', {}, 100))).toBeGreaterThan(0.8);
});

test('more than four lists of one statement rank no more anew than is quick', async () => {
  await page(['p0001', 'p0002', 'p0003', 'p0004']);
  await page(['p0001', 'p0002', 'p0003', 'p0004', 'p0005']);
  expect(asked.map(({ text }) => rerankedBy(text))).toEqual([750, 400]);
  expect(asked.map(({ settings }) => settings)).toEqual([
    ['750', 'off'],
    ['400', 'off'],
  ]);
});

test('at least twice as many are ranked anew as are wanted', async () => {
  const version = {
    number: VERSION.number,
    spaces: [pictureSpace(DIMENSIONS, 'halfvec', { isBinary: true, candidates: 20 })],
  };
  await search.nearestOfEach(version, ['p0001'], {}, 100);
  expect(rerankedBy(asked[0]!.text)).toBe(2 * (100 + 3 + 1));
});

test('an index of the vectors is searched as far as was measured, for more than four lists no farther than is quick', async () => {
  const version = { number: VERSION.number, spaces: [pictureSpace(DIMENSIONS, 'halfvec', { candidates: 750 })] };
  await search.nearestOfEach(version, ['p0001'], {}, 12);
  await search.nearestOfEach(version, ids.slice(0, 5), {}, 12);
  expect(asked.map(({ settings }) => settings[0])).toEqual(['750', '400']);
  expect(asked.map(({ text }) => text.includes('<~>'))).toEqual([false, false]);
});

test('how many are ranked anew is as few as find nearly all of the ten nearest, else the most that were tried', async () => {
  const indexed = { vectors: TABLE, table: TABLE, only: 'TRUE', space: SPACE };
  const measured = (efforts: number[]) => measureCandidates(storage.ask, indexed, undefined, efforts);
  const few = await measured([20, 40]);
  expect(few).toMatchObject({ candidates: 40, isEnough: false });
  expect(few.recall10).toBeLessThan(0.9);
  expect(await measured([20, 1000])).toMatchObject({ candidates: 1000, isEnough: true });
});

test('indexes of large categories are binary ones, too, of which as many are ranked anew as were measured', async () => {
  const { prisma, ask } = storage;
  const bounds = { fewest: 100, mostRanked: 100, mostRankedByRoot: 1e9, mostShare: 1, most: 1 };
  await new CategoryIndexRepository(prisma, ask, storage, 'default', bounds).build(VERSION.number, SPACE);
  const [index] = await query<{ sql: string; candidates: number }>(
    `SELECT pg_get_indexdef('simili.category_1_vec_1_idx'::regclass) AS sql, candidates FROM simili.category_index`,
  );
  expect(index!.sql).toContain('bit_hamming_ops');
  const [found] = await page(['p0004'], MANY);
  const told = () => [rerankedBy(asked.at(-1)!.text), ...asked.at(-1)!.settings];
  expect(told()).toEqual([index!.candidates, String(index!.candidates), 'off']);
  expect(recallOf(found!, await exact('p0004', MANY))).toBeGreaterThan(0.9);
  // Fewer than the version's do; where few of these pass, the scan goes on.
  await query('UPDATE simili.category_index SET candidates = 400');
  start();
  await page(['p0004'], MANY);
  expect(told()).toEqual([400, '400', 'off']);
  await page(['p0004'], { ...MANY, available: true });
  expect(told()).toEqual([400, '400', 'off']);
  await page(['p0004'], { ...MANY, minPrice: '1.00' });
  expect(told()).toEqual([400, '1000', 'relaxed_order']);
});
