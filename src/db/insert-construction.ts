import type { Ask } from './ask.ts';
import type { OwnSession } from './own-session.ts';
import { bool } from './row.ts';
import type { VectorIndex } from './storage.ts';

/** Whether an index that is built has still to be told how later vectors are inserted. */
export async function buildsOtherwise(ask: Ask, { name, insertConstruction }: VectorIndex): Promise<boolean> {
  if (insertConstruction === undefined) return false;
  const text = `SELECT NOT coalesce(reloptions, '{}') @> ARRAY['ef_construction=${insertConstruction}'] AS otherwise FROM pg_class WHERE oid = to_regclass($1)`;
  const [found] = await ask({ text, row: { otherwise: bool } }, [name]);
  return found?.otherwise ?? false;
}

/** Beside who reads and writes; a vacuum of it is waited for. @throws the driver's error, lock_not_available where that takes longer */
export async function setInsertConstruction(
  session: OwnSession,
  { name, insertConstruction }: VectorIndex,
  lockMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await session(async (own) => {
    await own.exec(`SET lock_timeout = ${lockMs}`);
    await own.exec(`ALTER INDEX ${name} SET (ef_construction = ${insertConstruction})`);
  }, signal);
}
