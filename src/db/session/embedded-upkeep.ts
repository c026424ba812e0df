import type { PGlite } from '@electric-sql/pglite';

/** How often it is looked what has changed, ms. */
const EVERY_MS = 2000;
/** Most tables of one look: one that stays due must not keep the rest waiting. */
const AT_ONCE = 20;

type Due = { name: string; isDirty: boolean };

/**
 * The table that needs it most, by the rule of Postgres' autovacuum with its default settings: 50 rows and a tenth of the table changed
 * since it was counted, or 50 and a fifth are dead. Vectors with an index are never vacuumed: it would repair the graph around each that went, for
 * seconds; their tables end with their version.
 */
const DUE = `
  SELECT name, dirty AS "isDirty" FROM (
    SELECT format('%I.%I', s.schemaname, s.relname) AS name,
      s.n_mod_since_analyze > 50 + 0.1 * greatest(c.reltuples, 0) AS changed,
      s.n_dead_tup > 50 + 0.2 * greatest(c.reltuples, 0) AND NOT EXISTS (
        SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam
        WHERE i.indrelid = c.oid AND a.amname = 'hnsw') AS dirty,
      greatest(s.n_dead_tup, s.n_mod_since_analyze) / (50 + greatest(c.reltuples, 0)) AS need
    FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid) AS t
  WHERE changed OR dirty ORDER BY need DESC LIMIT 1`;

/**
 * Counts and cleans the tables of the embedded database, which has no autovacuum: without it every statement is planned for the
 * empty tables of the first start, and rows that went take room for ever. One table at a time: others get their turn between.
 * @returns ends it.
 */
export function keepUp(db: Pick<PGlite, 'query' | 'exec'>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => tidy(db)).catch(() => {}); // a full disk, or the end: it is tried again, or is over
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return last;
  };
}

async function tidy(db: Pick<PGlite, 'query' | 'exec'>): Promise<void> {
  for (let i = 0; i < AT_ONCE; i++) if (!(await tidyOne(db))) return;
}

/** Counts or cleans the one table that needs it most. @returns whether there was one. */
export async function tidyOne(db: Pick<PGlite, 'query' | 'exec'>): Promise<boolean> {
  const [due] = (await db.query<Due>(DUE)).rows;
  if (!due) return false;
  await db.exec(due.isDirty ? `VACUUM (ANALYZE) ${due.name}` : `ANALYZE ${due.name}`);
  return true;
}
