import { DEFAULT_CATALOG } from '../catalog-id.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { lockFeedback } from './feedback-lock.ts';
import { stopBuilds } from './indexes/index-builds.ts';
import { briefly } from './sql/brief-locks.ts';
import { vectorSchema } from './sql/embedding-table.ts';
import { int, rows, text } from './sql/row.ts';

export type CatalogRow = { id: string; createdAt: Date; products: number };

/** The catalogs themselves. What is in one is behind repositories that are bound to it (src/db/repositories.ts). */
export class CatalogRepository {
  constructor(private readonly db: PrismaClient) {}

  async exists(id: string): Promise<boolean> {
    return (await this.db.catalog.findUnique({ where: { id } })) !== null;
  }

  /** Ids, `default` first. */
  async ids(): Promise<string[]> {
    const found = (await this.db.catalog.findMany({ select: { id: true }, orderBy: { id: 'asc' } })).map(
      ({ id }) => id,
    );
    return [DEFAULT_CATALOG, ...found.filter((id) => id !== DEFAULT_CATALOG)];
  }

  /** In the order of `ids`; counts all products. */
  async list(): Promise<CatalogRow[]> {
    const found = await this.db.catalog.findMany({ include: { _count: { select: { products: true } } } });
    const known = new Map(found.map(({ _count, ...row }) => [row.id, { ...row, products: _count.products }]));
    return (await this.ids()).flatMap((id) => known.get(id) ?? []);
  }

  /** @returns false when it was there already. */
  async create(id: string): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.catalog.createMany({ data: [{ id }], skipDuplicates: true });
      if (count === 1) await tx.$executeRawUnsafe(`CREATE SCHEMA "${vectorSchema(id)}"`);
      return count === 1;
    });
  }

  /**
   * Everything in it goes with it, in one commit; jobs that run notice by their next heartbeat. Vectors first: a deletion
   * of products would take theirs out of the indexes one by one. Their tables last: dropping them locks the products of all catalogs.
   * @returns false when there was none.
   */
  async remove(id: string): Promise<boolean> {
    if (id === DEFAULT_CATALOG) throw new RangeError(`${id} stays: its vectors lie beside the tables of all`);
    return this.db.$transaction(async (tx) => {
      if (!(await holdCatalog(tx, id, Prisma.sql`FOR UPDATE`))) return false; // who writes products of it is done
      await stopBuilds(tx, vectorSchema(id), null);
      await empty(tx, vectorSchema(id));
      await lockFeedback(tx, id);
      await tx.feedbackEvent.deleteMany({ where: { catalogId: id } });
      await tx.feedbackDay.deleteMany({ where: { catalogId: id } });
      await tx.feedbackRollup.deleteMany({ where: { catalogId: id } });
      await tx.feedbackClickThrough.deleteMany({ where: { catalogId: id } });
      await tx.feedbackCount.deleteMany({ where: { catalogId: id } });
      await tx.feedbackSpent.deleteMany({ where: { catalogId: id } });
      await tx.feedbackQuarantine.deleteMany({ where: { catalogId: id } });
      await tx.shownList.deleteMany({ where: { catalogId: id } });
      await tx.erasure.deleteMany({ where: { catalogId: id } });
      await tx.catalog.delete({ where: { id } });
      await tx.$executeRawUnsafe(briefly(`DROP SCHEMA IF EXISTS "${vectorSchema(id)}" CASCADE`));
      return true;
    }, REMOVAL);
  }
}

/** Takes all rows out of a schema's tables, none of which any other refers to. */
async function empty(tx: Prisma.TransactionClient, schema: string): Promise<void> {
  const tables = await rows(tx, { name: text })`
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = ${schema}`;
  if (tables.length > 0) await tx.$executeRawUnsafe(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`);
}

/** Time limit of a removal, ms: a large catalog has millions of rows. */
const REMOVAL = { timeout: 3_600_000 };

/** Nobody else removes the catalog, or changes what serves in it, until the transaction ends. @returns whether there is one */
export const lockCatalog = (tx: Prisma.TransactionClient, id: string): Promise<boolean> =>
  // Not FOR UPDATE: a product that is written meanwhile holds a key share of the row.
  holdCatalog(tx, id, Prisma.sql`FOR NO KEY UPDATE`);

/**
 * Nobody removes the catalog until the transaction ends. First in what writes products: whoever waits here for a removal, which locks the products in
 * the end, has no lock on them yet. @returns whether there is one
 */
export const keepCatalog = (tx: Prisma.TransactionClient, id: string): Promise<boolean> =>
  holdCatalog(tx, id, Prisma.sql`FOR KEY SHARE`);

async function holdCatalog(tx: Prisma.TransactionClient, id: string, how: Prisma.Sql): Promise<boolean> {
  const found = await rows(tx, { one: int })`SELECT 1 AS one FROM simili.catalog WHERE id = ${id} ${how}`;
  return found.length > 0;
}
