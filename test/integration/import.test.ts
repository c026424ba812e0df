import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeImport, exitCodeOf } from '../../cli/import/describe.ts';
import { type ImportRequest, importCatalog, runImport } from '../../cli/import/run.ts';
import { readCatalog } from '../../src/catalog/import/index.ts';
import { writeProducts } from '../../src/catalog/products.ts';
import { scoper } from '../../src/graphql/scope.ts';
import { makeServices } from '../../src/services.ts';
import { UNHURRIED } from '../support/api.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';

let dir = '';
let database: FreshDatabase;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-import-'));
  database = await freshDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const none = async () => {};
const queue = { add: none, withdraw: none, work: () => {}, alive: async () => true, close: none };
async function importFile(name: string, ...lines: string[]) {
  const path = join(dir, name);
  await writeFile(path, lines.join('\n'));
  return runImport(
    { repositories: database.repositories, queue } as never,
    readCatalog(path, { allowOutside: ['/'] }),
    () => {},
  );
}

test('a note of unknown columns is told, and counts as no row left out', async () => {
  const report = await importFile('note.csv', 'id,image,colour', 'note,/p.png,red');
  expect(report).toMatchObject({ created: 1, problems: [], notes: [{ line: 1 }] });
  expect(describeImport(report)).toMatch(/^1 created, 0 updated, 0 unchanged, 0 left out\n {2}1: "colour" is not read/);
});

test('a row that loses to a higher stored version is counted by itself', async () => {
  await importFile('new.jsonl', '{"id":"vt","image":"/p.png","version":1764156000000}');
  const report = await importFile('old.csv', 'id,title,image', 'vt,changed,/p.png');
  expect(report).toMatchObject({ updated: 0, unchanged: 0, outdated: 1 });
  expect(describeImport(report)).toContain('1 not written: a higher version is stored');
});

test('ids that differ in the last of nineteen digits are two products', async () => {
  const report = await importFile(
    'big.jsonl',
    '{"id": 7890123456789012345, "image": "/p.png"}',
    '{"id": 7890123456789012346, "image": "/p.png"}',
  );
  expect(report.created).toBe(2);
  const ids = ['7890123456789012345', '7890123456789012346'];
  expect([...(await database.repositories.products.existing(ids))].sort()).toEqual(ids);
});

test('a product is found under either spelling of its id', async () => {
  await importFile('spelling.csv', 'id,image', 'cafe\u0301,/p.png');
  const { repositories } = database;
  const log = pino({ level: 'silent' });
  const services = makeServices({
    repositories,
    queue,
    log,
    signingKey: 'k'.repeat(32),
    exploring: 0,
    auditing: { share: 0, alarmBelow: 0.95 },
    now: () => new Date(),
    patience: UNHURRIED,
    retraining: { pauseMinutes: 60, choices: 500 },
  });
  const scope = await scoper(services)({});
  for (const id of ['cafe\u0301', 'caf\u00e9']) {
    expect(await scope.products.load(id)).toMatchObject({ id: 'caf\u00e9' });
    expect(await scope.similarItems({ anchorId: id }, null)).toMatchObject({ status: 'MODEL_NOT_READY' });
  }
  expect(await services.deleteProducts(['cafe\u0301'])).toBe(1);
});

/** A shop of its own with these products, and the same import of other rows. */
async function mirrorOf(catalog: string, count: number) {
  await database.repositories.catalogs.create(catalog);
  const repositories = database.repositories.forCatalog(catalog);
  const run = async (
    lines: readonly string[],
    options: Partial<ImportRequest> = {},
    whenStored: () => Promise<void> = none,
  ) => {
    const source = join(dir, `${catalog}.csv`);
    await writeFile(source, ['id,image', ...lines].join('\n'));
    return importCatalog(
      { repositories, queue: { ...queue, add: whenStored } } as never,
      { source, mirror: true, allowOutside: ['/'], ...options },
      () => {},
    );
  };
  const rows = Array.from({ length: count }, (_, i) => `m${String(i).padStart(4, '0')},/p.png`);
  expect(await run(rows)).toMatchObject({ created: count, mirrored: { removed: 0, refused: null } });
  return { run, rows, repositories, ids: () => repositories.products.ids(10_000, null) };
}

test('a mirror takes away what left the file, up to a tenth of what was there; a dry run says so and takes nothing', async () => {
  const { run, rows, ids } = await mirrorOf('mirror', 30);
  const short = [...rows.slice(3), 'new,/p.png'];
  expect(await run(short, { dryRun: true })).toMatchObject({ created: 1, unchanged: 27, mirrored: { removed: 3 } });
  expect((await ids()).length).toBe(30);
  const report = await run(short);
  expect(report).toMatchObject({ created: 1, unchanged: 27, mirrored: { removed: 3, refused: null } });
  expect(describeImport(report)).toContain('\n3 removed: the file no longer has them');
  expect(exitCodeOf(report)).toBe(0);
  expect(await ids()).toEqual(short.map((row) => row.split(',')[0]).sort());
});

test('a mirror refuses to take more than a tenth, whatever is new, unless it is told to; all rows are stored', async () => {
  const { run, rows, ids } = await mirrorOf('refusing', 20);
  const fresh = Array.from({ length: 100 }, (_, i) => `new${i},/p.png`);
  const report = await run([...rows.slice(3), ...fresh]);
  const refused =
    'nothing was removed: 3 of 20 products are not in the file, 15 % (--remove-at-most 15 removes them; now 10)';
  expect(report).toMatchObject({ created: 100, mirrored: { removed: 0, refused } });
  expect(describeImport(report)).toContain(refused);
  expect(exitCodeOf(report)).toBe(1);
  expect((await ids()).length).toBe(120);
  expect(await run([...rows.slice(3), ...fresh], { removeAtMost: 15 })).toMatchObject({ mirrored: { removed: 3 } });
});

test('a mirror keeps what a broken row names, and takes nothing when a row names nothing that can be read', async () => {
  const { run, rows, ids } = await mirrorOf('broken', 20);
  expect(await run([...rows.slice(1), 'm0000,'])).toMatchObject({
    problems: [{ line: 21 }],
    mirrored: { removed: 0, refused: null },
  });
  expect((await ids()).length).toBe(20);
  expect(await run([...rows.slice(1), ',/p.png'])).toMatchObject({
    mirrored: { removed: 0, refused: expect.stringContaining('the ids of 1 rows cannot be read') },
  });
  expect((await ids()).length).toBe(20);
});

test('a mirror leaves what others write while the file is read, and does not count it as gone', async () => {
  const { run, rows, repositories, ids } = await mirrorOf('beside', 30);
  const delta = { repositories, catalog: 'beside', products: repositories.products, queue };
  const fresh = Array.from({ length: 10 }, (_, i) => ({ id: `delta${i}`, title: 'New', imageUrls: [] }));
  const report = await run([...rows.slice(2), 'new,/p.png'], {}, async () => {
    await writeProducts([...fresh, { id: 'm0000', title: 'Changed', imageUrls: [] }], delta);
  });
  expect(report).toMatchObject({ created: 1, unchanged: 28, mirrored: { removed: 1, refused: null } });
  const kept = [...fresh.map(({ id }) => id), 'm0000', ...rows.slice(2).map((row) => row.split(',')[0]), 'new'];
  expect(await ids()).toEqual(kept);
});

test('a dry run names the outcomes that the import then has, and stores nothing', async () => {
  await importFile('dry-before.csv', 'id,title,image', 'dry1,One,/p.png', 'dry2,Two,/p.png', 'dry4,Four,/p.png');
  await importFile('dry-new.jsonl', '{"id":"dry4","title":"Four","image":"/p.png","version":9}');
  const source = join(dir, 'dry.csv');
  await writeFile(
    source,
    ['id,title,image', 'dry1,One,/p.png', 'dry2,Other,/p.png', 'dry3,Three,/p.png', 'dry4,Four,/p.png'].join('\n'),
  );
  const run = (dryRun: boolean) =>
    importCatalog(
      { repositories: database.repositories, queue } as never,
      { source, dryRun, allowOutside: ['/'] },
      () => {},
    );
  const counts = { created: 1, updated: 1, unchanged: 1, outdated: 1 };
  const dry = await run(true);
  expect(dry).toMatchObject({
    ...counts,
    notes: Array(4).fill({ line: expect.any(Number), note: 'there is no file /p.png' }),
  });
  expect(describeImport(dry, true)).toContain('nothing is stored');
  expect([...(await database.repositories.products.existing(['dry3']))]).toEqual([]);
  expect(await run(false)).toMatchObject(counts);
});

test('failures of before are not told again', async () => {
  const { images } = database.repositories;
  await importFile('first.csv', 'id,image', 'first,/p.png');
  for (const { id, reading } of await images.claimPending(100, 60))
    await images.markFailed({ id, reading }, 'IMAGE_UNREADABLE', 'gone');
  const since = new Date(Date.now() + 1);
  expect(await images.failures(50, since)).toEqual([]);
  expect((await images.failures(50)).length).toBeGreaterThan(0);
  expect(await images.counts(since)).toEqual({ ready: 0, pending: 0, failed: 0 });
});
