import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbedded, openMigrated, storageOver } from '../../src/db/embedded.ts';
import type { PolitePGlite } from '../../src/db/session/polite-pglite.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { packageFile } from '../../src/package-root.ts';
import { clearing } from './clearing.ts';

/** Databases that tests of this process have closed, empty again: a new one costs .9 s of CPU, to clear one a fiftieth of that. */
const idle: { db: PolitePGlite; clear: () => Promise<void> }[] = [];

/** An empty, migrated database in memory, as `openEmbedded(null)` gives it. */
export async function freshEmbedded(): Promise<Storage> {
  const own = idle.pop() ?? (await openOwn());
  const lent = lend(own.db);
  return storageOver(lent.db, async () => {
    lent.end();
    await own.clear();
    idle.push(own);
  });
}

/** The same database until `end`: what its owner left behind, a count of feedback that was to be stored two seconds later, meets no other test's rows. */
function lend(db: PolitePGlite): { db: PolitePGlite; end(): void } {
  let isOver = false;
  const guarded = new Proxy(db, {
    get(target, name) {
      if (isOver) throw new Error('This database was closed');
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    db: guarded,
    end() {
      isOver = true;
    },
  };
}

async function openOwn() {
  const db = await openMigrated({ loadDataDir: await dump() });
  return { db, clear: await clearing(db) };
}

/** The same in a data directory, as a first start leaves it: for tests that start `simili` there and look at something else. */
export async function freshDataDir(dir: string): Promise<void> {
  await (await openEmbedded(join(dir, 'database'), undefined, await dump())).close();
}

/** A copy for PGlite to begin with, which the first test of a checkout made: a new database takes 2 to 5 s of CPU, one from a copy a third of that. */
export const dump = async (): Promise<Blob> => new Blob([new Uint8Array(await readDump())]);

async function readDump(): Promise<Buffer> {
  const folder = packageFile('node_modules/.cache/simili-test');
  const path = join(folder, `${await versionOfDatabase()}.tar`);
  return readFile(path).catch(async () => {
    await rm(folder, { recursive: true, force: true }); // of other versions
    await mkdir(folder, { recursive: true });
    const db = await openMigrated({});
    const dump = Buffer.from(await (await db.dumpDataDir('none')).arrayBuffer());
    await db.close();
    // Whole or not at all: others may be at the same. Not to be written is no fault of what is tested.
    const own = `${path}.${randomUUID()}`;
    await writeFile(own, dump)
      .then(() => rename(own, path))
      .catch(() => {});
    return dump;
  });
}

/** Changes with whatever the database is made of: our migrations, PGlite and BullMQ (by the lock). */
async function versionOfDatabase(): Promise<string> {
  const migrations = packageFile('prisma/migrations');
  const names = (await readdir(migrations, { recursive: true })).filter((name) => name.endsWith('.sql')).sort();
  const files = [...names.map((name) => join(migrations, name)), ...OTHERS.map((file) => packageFile(file))];
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

const OTHERS = ['package-lock.json', 'src/db/embedded.ts', 'src/db/session/migrate.ts'];
