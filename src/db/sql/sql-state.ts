/** As a driver says it, and as Prisma packs it. */
type FromDriver = { code?: unknown; meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } };

/** SQLSTATE of an error, whoever packed it; undefined: it has none. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code, meta } = (error ?? {}) as FromDriver;
  return meta?.driverAdapterError?.cause?.originalCode ?? (typeof code === 'string' ? code : undefined);
}

/** SQLSTATE deadlock_detected, or Prisma's name for it. */
const DEADLOCK = ['40P01', 'P2034'];
/** Times that a commit is begun in all. */
const TRIES = 3;

/** Begins a commit anew which Postgres ended, because two waited for each other. @throws what it throws in the end */
export async function despiteDeadlock<T>(commit: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await commit();
    } catch (error) {
      if (tries === TRIES || !DEADLOCK.includes(sqlStateOf(error) ?? '')) throw error;
    }
  }
}

/** SQLSTATE classes of a value that no column takes: data exception, program limit exceeded (an entry that is too long for its index). */
const REFUSED = /^(22|54)...$/;

/** Why the database refuses a value; null where an error says something else. */
export function refusalOf(error: unknown): string | null {
  const state = sqlStateOf(error);
  return state !== undefined && REFUSED.test(state) ? `is refused by the database (SQLSTATE ${state})` : null;
}
