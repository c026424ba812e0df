/** The table of a model version was dropped: it is retired. */
export class VersionGone extends Error {
  constructor(cause: unknown) {
    super('This model version has no vectors any more', { cause });
  }
}

/** SQLSTATE undefined_table. */
const UNDEFINED_TABLE = '42P01';

/** As the driver says it, and as Prisma packs it. */
type FromDriver = { code?: string; meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } };

/** @throws VersionGone where the statement met no table. */
export async function ofVersion<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const { code, meta } = (error ?? {}) as FromDriver;
    if ([code, meta?.driverAdapterError?.cause?.originalCode].includes(UNDEFINED_TABLE)) throw new VersionGone(error);
    throw error;
  }
}
