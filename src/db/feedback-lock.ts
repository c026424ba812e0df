import type { Prisma } from '../generated/prisma/client.ts';

/**
 * Until the transaction ends nobody else rolls up a catalog's feedback or erases some of it: a day that is rolled up while its events
 * are deleted would keep them. What shoppers send does not wait. Its own statement, so that the next one sees what was committed before.
 */
export async function lockFeedback(tx: Prisma.TransactionClient, catalogId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('simili feedback ' || ${catalogId}::text, 0))`;
}
