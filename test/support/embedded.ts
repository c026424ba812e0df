import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbedded, openMigrated } from '../../src/db/embedded.ts';
import type { Storage } from '../../src/db/storage.ts';
import { packageFile } from '../../src/package-root.ts';

/**
 * An empty, migrated database in memory, as `openEmbedded(null)` gives it. PGlite makes a new one in 2 to 5 s of CPU;
 * this one begins with a copy that the first test of a checkout made, and takes a third of that.
 */
export const freshEmbedded = (): Promise<Storage> => openFresh(null);

/** The same in a data directory, as a first start leaves it: for tests that start `simili` there and look at something else. */
export async function freshDataDir(dir: string): Promise<void> {
  const storage = await openFresh(join(dir, 'database'));
  await storage.close();
}

const openFresh = async (dir: string | null): Promise<Storage> =>
  openEmbedded(dir, undefined, new Blob([new Uint8Array(await readDump())]));

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

const OTHERS = ['package-lock.json', 'src/db/embedded.ts', 'src/db/migrate.ts'];
