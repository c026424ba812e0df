import type { PolitePGlite } from '../../src/db/session/polite-pglite.ts';

const OURS = `schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname NOT LIKE 'pg\\_%'`;

/**
 * Brings a database back to what it is now.
 * @returns clears it: schemas, tables, their rows, sequences and settings. Indexes and functions are left as they are.
 */
export async function clearing(db: PolitePGlite): Promise<() => Promise<void>> {
  const names = async (sql: string) => (await db.query<{ name: string }>(sql)).rows.map(({ name }) => name);
  const tablesOf = () => names(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE ${OURS}`);
  const schemasOf = () =>
    names(`SELECT quote_ident(nspname) AS name FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'`);
  const [tables, schemas] = [await tablesOf(), await schemasOf()];
  const rows = new Map<string, string>();
  for (const table of tables) {
    const { rows: found } = await db.query<{ all: string | null }>(
      `SELECT json_agg(t)::text AS all FROM ONLY ${table} t`,
    );
    if (found[0]?.all) rows.set(table, found[0].all);
  }
  const sequences =
    await names(`SELECT format('setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename), coalesce(last_value, 1), last_value IS NOT NULL)
    AS name FROM pg_sequences WHERE ${OURS}`);
  return async () => {
    await db.exec('ROLLBACK');
    await db.exec('DISCARD ALL');
    const drops = [
      ...(await schemasOf()).filter((name) => !schemas.includes(name)).map((name) => `SCHEMA ${name}`),
      ...(await tablesOf()).filter((name) => !tables.includes(name)).map((name) => `TABLE IF EXISTS ${name}`),
    ];
    await db.exec(`SET session_replication_role = replica; TRUNCATE ${tables.join(', ')} RESTART IDENTITY CASCADE;
      ${drops.map((what) => `DROP ${what} CASCADE;`).join(' ')}`);
    for (const [table, all] of rows)
      await db.query(
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${table}, $1)`,
        [all],
      );
    await db.exec(`SELECT ${sequences.join(', ')}; RESET session_replication_role`);
  };
}
