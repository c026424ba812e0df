import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openArtefactCache } from '../../workers/jobs/artefact-cache.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addModel } from '../support/fixtures.ts';

const artefact = new Uint8Array(2 ** 20).fill(7);
let database: FreshDatabase;
let modelId: string;
let dir: string;
beforeAll(async () => {
  database = await freshDatabase();
  modelId = (await addModel(database, { a: [1, 0] })).id;
  const where = { catalogId_id: { catalogId: 'default', id: modelId } };
  await database.storage.prisma.modelVersion.update({ where, data: { artefact, checksum: sha256(artefact) } });
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'simili-artefacts-'));
  return () => rm(dir, { recursive: true });
});
afterAll(() => database[Symbol.asyncDispose]());

const pathIn = async (cache = openArtefactCache(dir)) =>
  (await cache.pathOf(database.repositories.models, modelId)).path;
const isWhole = async (path: string) => sha256(await readFile(path)) === sha256(artefact);

test('several who need the same version at once have it, whole, in one process and in several', async () => {
  const [one, other] = [openArtefactCache(dir), openArtefactCache(dir)];
  const paths = await Promise.all([one, one, one, other, other].map(pathIn));
  expect(new Set(paths).size).toBe(1);
  expect(await isWhole(paths[0]!)).toBe(true);
  expect(await readdir(dir)).toHaveLength(1);
});

test('one that is gone is fetched again, and so is one that was damaged before this process began', async () => {
  const cache = openArtefactCache(dir);
  const path = await pathIn(cache);
  await rm(path);
  expect(await isWhole(await pathIn(cache))).toBe(true);
  await writeFile(path, artefact.subarray(0, 100));
  expect(await isWhole(await pathIn())).toBe(true);
});

test('a fetch that fails leaves no file, and the next one tries again', async () => {
  const cache = openArtefactCache(dir);
  const { prisma } = database.storage;
  const where = { catalogId_id: { catalogId: 'default', id: modelId } };
  await prisma.modelVersion.update({ where, data: { artefact: artefact.subarray(1) } });
  const both = await Promise.allSettled([pathIn(cache), pathIn(cache)]);
  expect(both).toMatchObject([1, 2].map(() => ({ reason: { code: 'ARTEFACT_CORRUPT' } })));
  await prisma.modelVersion.update({ where, data: { artefact } });
  expect(await isWhole(await pathIn(cache))).toBe(true);
  expect(await readdir(dir)).toHaveLength(1);
});
