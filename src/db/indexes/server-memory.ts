import type { SqlSession } from '../session/storage.ts';

/** Files of a Linux machine, as its Postgres reads them; null: there is no such file. */
type Files = {
  meminfo: string | null;
  /** Most that its container may take, by the second and by the first version of control groups. */
  limit: string | null;
  olderLimit: string | null;
};

/** Asked first: whoever reads without the right leaves an error in the server's log, at each index that is built. */
const MAY_READ = `SELECT has_function_privilege('pg_read_file(text, bigint, bigint, boolean)', 'EXECUTE') AS may`;
const READ = `SELECT pg_read_file('/proc/meminfo', 0, 10000, true) AS meminfo, pg_read_file('/sys/fs/cgroup/memory.max', 0, 100, true) AS limit,
  pg_read_file('/sys/fs/cgroup/memory/memory.limit_in_bytes', 0, 100, true) AS "olderLimit"`;

/**
 * Memory of the machine of a server that is available, bytes, at most what its container may take. Null: it is not known. Only a superuser may look,
 * or who was granted it (docs/production.md), and only on Linux is there something to see.
 */
export async function availableMemory(query: SqlSession['query']): Promise<number | null> {
  const [asked] = await query<{ may: boolean }>(MAY_READ, []);
  if (!asked?.may) return null;
  // However the look fails, an index is built without it; a session that is broken fails at its next statement.
  const files = await query<Files>(READ, []).catch(() => []);
  return files[0] ? memoryIn(files[0]) : null;
}

/** The same by those files. */
export function memoryIn({ meminfo, limit, olderLimit }: Files): number | null {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo ?? '')?.[1];
  if (available === undefined) return null;
  // `max`: no limit.
  const limits = [limit, olderLimit].map((text) => Number.parseInt(text ?? '', 10)).filter((bytes) => bytes > 0);
  return Math.min(1024 * Number(available), ...limits);
}
