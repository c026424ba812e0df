import { RETRY_AFTER_SECONDS } from '../../deadline.ts';
import { SimiliError } from '../../errors.ts';
import { type Prisma, PrismaClient } from '../../generated/prisma/client.ts';
import type { Ask, Statement } from '../sql/ask.ts';
import type { Shape } from '../sql/row.ts';
import { sqlStateOf } from '../sql/sql-state.ts';

/** SQLSTATE disk_full, and read_only_sql_transaction: what src/db/session/polite-pglite.ts makes of a disk that is nearly full. */
const FULL = ['53100', '25006'];

/** Prisma packs an error of its driver into one of its own, which keeps nothing but `code` and `meta`. */
export function carry(error: SimiliError): SimiliError {
  return Object.defineProperty(error, 'meta', { value: { carried: error } });
}

/** The same of what `work` rejects with, where that is an error of ours: for whatever Prisma asks a driver. */
export async function carrying<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SimiliError ? carry(error) : error;
  }
}

/** The error of a driver, whoever packed it; of a disk without room, STORAGE_FULL. */
export function typed(error: unknown): unknown {
  if (FULL.includes(sqlStateOf(error) ?? ''))
    return new SimiliError('STORAGE_FULL', { retryAfter: RETRY_AFTER_SECONDS });
  return (error as { meta?: { carried?: SimiliError } } | null)?.meta?.carried ?? error;
}

/** Prisma's clocks are the last resort, ms: a request's own deadline comes first, with a code. */
const TRANSACTION = { maxWait: 60_000, timeout: 120_000 };

/** A client over a driver, which throws what the driver threw. */
export function typedClient(adapter: NonNullable<Prisma.PrismaClientOptions['adapter']>): PrismaClient {
  const own = new PrismaClient({ adapter, transactionOptions: TRANSACTION }).$extends({
    query: {
      $allOperations: async ({ args, query }) => {
        try {
          return await query(args);
        } catch (error) {
          throw typed(error);
        }
      },
    },
  });
  return own as unknown as PrismaClient;
}

/** Likewise. */
export function typedAsk(ask: Ask): Ask {
  return async <S extends Shape>(statement: Statement<S>, values: readonly unknown[]) => {
    try {
      return await ask(statement, values);
    } catch (error) {
      throw typed(error);
    }
  };
}
