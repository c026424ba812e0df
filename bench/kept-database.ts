import pg from 'pg';

/** A database that stays when a run is ended, for the next one to go on with. */
export type KeptDatabase = { url: string; drop(): Promise<void> };

/** @param name made on the server of `admin` where it is not there. @throws Error where it is no plain name */
export async function keptDatabase(admin: string, name: string): Promise<KeptDatabase> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new Error(`${name} is no name of a database`);
  const run = async (sql: string) => {
    const client = new pg.Client({ connectionString: admin });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE DATABASE ${name}`).catch((error: { code?: string }) => {
    if (error.code !== '42P04') throw error; // duplicate_database
  });
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}
