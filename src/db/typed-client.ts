import { RETRY_AFTER_SECONDS } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';

type Carrier = { meta?: { carried?: SimiliError; driverAdapterError?: { cause?: { originalCode?: string } } } };

/** SQLSTATE disk_full, and read_only_sql_transaction: what src/db/polite-pglite.ts makes of a disk that is nearly full. */
const FULL = ['53100', '25006'];

/** Prisma packs an error of its driver into one of its own, which keeps nothing but `code` and `meta`. */
export function carry(error: SimiliError): SimiliError {
  return Object.defineProperty(error, 'meta', { value: { carried: error } });
}

/** The same client, which throws what the driver below it threw. */
export function typedClient(client: PrismaClient): PrismaClient {
  const typed = client.$extends({
    query: {
      $allOperations: async ({ args, query }) => {
        try {
          return await query(args);
        } catch (error) {
          const { carried, driverAdapterError } = (error as Carrier).meta ?? {};
          if (FULL.includes(driverAdapterError?.cause?.originalCode ?? ''))
            throw new SimiliError('STORAGE_FULL', { retryAfter: RETRY_AFTER_SECONDS });
          throw carried ?? error;
        }
      },
    },
  });
  return typed as unknown as PrismaClient;
}
