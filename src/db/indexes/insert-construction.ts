import type { OwnSession } from '../session/own-session.ts';
import type { VectorIndex } from '../session/storage.ts';
import type { Ask } from '../sql/ask.ts';
import { bool } from '../sql/row.ts';

/** Whether an index that is built has still to be told how later vectors are inserted. */
export async function lacksInsertConstruction(ask: Ask, { name, insertConstruction }: VectorIndex): Promise<boolean> {
  if (insertConstruction === undefined) return false;
  const text = `SELECT NOT coalesce(reloptions, '{}') @> ARRAY['ef_construction=${insertConstruction}'] AS lacks FROM pg_class WHERE oid = to_regclass($1)`;
  const [found] = await ask({ text, row: { lacks: bool } }, [name]);
  return found?.lacks ?? false;
}

/**
 * Tells an index how later vectors are inserted. Readers and writers go on; a vacuum of it is waited for.
 * @param lockMs longest wait
 * @throws the driver's error: lock_not_available behind that wait; the signal's reason
 */
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
