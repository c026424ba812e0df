import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeImport, runImport } from '../../cli/run-import.ts';
import { readCatalog } from '../../src/catalog/import/index.ts';
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

const queue = { add: async () => {}, work: () => {}, alive: async () => true, close: async () => {} };
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
    now: () => new Date(),
    patience: UNHURRIED,
    retraining: { pauseMinutes: 60, choices: 500 },
  });
  const scope = await scoper(services)({});
  for (const id of ['cafe\u0301', 'caf\u00e9']) {
    expect(await scope.products.load(id)).toMatchObject({ id: 'caf\u00e9' });
    expect(await scope.similarItems({ anchorId: id })).toMatchObject({ status: 'MODEL_NOT_READY' });
  }
  expect(await services.deleteProducts(['cafe\u0301'])).toBe(1);
});

test('failures of before are not told again', async () => {
  const { images } = database.repositories;
  await importFile('first.csv', 'id,image', 'first,/p.png');
  for (const { id } of await images.claimPending(100, 60)) await images.markFailed(id, 'IMAGE_UNREADABLE', 'gone');
  const since = new Date(Date.now() + 1);
  expect(await images.failures(50, since)).toEqual([]);
  expect((await images.failures(50)).length).toBeGreaterThan(0);
  expect(await images.counts(since)).toEqual({ ready: 0, pending: 0, failed: 0 });
});
