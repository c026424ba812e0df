/** SQLSTATE undefined_table. */
const UNDEFINED_TABLE = '42P01';

type FromPrisma = {
  meta?: { driverAdapterError?: { cause?: { originalCode?: string } } };
};

/** Did a query meet a version whose table was dropped? (As Prisma tells it, through either database adapter.) */
export const isMissingTable = (error: unknown): boolean =>
  (error as FromPrisma | null)?.meta?.driverAdapterError?.cause?.originalCode === UNDEFINED_TABLE;
