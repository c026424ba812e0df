import type { SimiliError } from '../errors.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';

type Carrier = { meta?: { carried?: SimiliError } };

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
          throw (error as Carrier).meta?.carried ?? error;
        }
      },
    },
  });
  return typed as unknown as PrismaClient;
}
