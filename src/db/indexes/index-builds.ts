import type { VectorIndex } from '../session/storage.ts';
import type { Ask } from '../sql/ask.ts';
import { bool, float, orNull, rows } from '../sql/row.ts';

export type IndexState = {
  /** Null: there is none of this name. */
  isValid: boolean | null;
  /** Null: nobody builds an index on the table; else how much of it is done, 0 to 1. */
  share: number | null;
  /** Whether there is one under the name that half-built ones are given. */
  isAside: boolean;
};

const State = { isValid: orNull(bool), share: orNull(float), isAside: bool };

/**
 * How an index stands. Who builds one holds a lock on its table to the end, also when whoever asked for it is gone; he is found by that lock,
 * as `relid` of the progress is null for a role that may not read all statistics, like its blocks.
 */
export async function stateOf(ask: Ask, { table, name }: VectorIndex): Promise<IndexState> {
  const text = `
    SELECT i.indisvalid AS "isValid", to_regclass($3) IS NOT NULL AS "isAside", (
      SELECT CASE WHEN b.phase LIKE 'building index%' THEN coalesce(b.blocks_done / nullif(b.blocks_total, 0)::float8, 0)
        WHEN b.phase IN ('initializing', 'waiting for writers before build') OR b.phase IS NULL THEN 0 ELSE 1 END
      FROM pg_locks l JOIN pg_stat_progress_create_index b ON b.pid = l.pid
      WHERE l.relation = to_regclass($2) AND l.database = d.oid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted LIMIT 1) AS share
    FROM pg_database d LEFT JOIN pg_index i ON i.indexrelid = to_regclass($1)
    WHERE d.datname = current_database()`;
  const [state] = await ask({ text, row: State }, [name, table, asideOf(name)]);
  return state!;
}

/** Name of an index that was left half built and waits to be dropped. */
export const asideOf = (name: string): string => `${name}_aside`;

/**
 * Stops those of our role who build an index on these tables of a schema: a DROP would wait for them, and all others behind it.
 * @param tables null: all
 */
export async function stopBuilds(
  db: Parameters<typeof rows>[0],
  schema: string,
  tables: readonly string[] | null,
): Promise<void> {
  const some = tables && [...tables];
  await rows(db, { stopped: bool })`
    SELECT pg_cancel_backend(b.pid) AS stopped
    FROM pg_locks l JOIN pg_stat_progress_create_index b ON b.pid = l.pid JOIN pg_stat_activity a ON a.pid = b.pid
      JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND a.usename = current_user AND a.datname = current_database()
      AND n.nspname = ${schema} AND (${some}::text[] IS NULL OR c.relname = ANY(${some}::text[]))`;
}
