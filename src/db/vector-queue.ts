import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { bigint, int, rows, text } from './sql/row.ts';

/** A product of the queue, as it was when it was taken. */
export type Queued = { productId: string; place: bigint };

/** For how long a product is taken, s; one that stays is looked at again after twice that, and so on, once an hour in the end. */
const TAKEN_SECONDS = 30;
const MOST_SECONDS = 3600;

/**
 * Products whose vectors may be out of date (docs/adr/0024-a-queue-of-products.md). The database puts them in by triggers, with what
 * changed; a worker takes them, and takes out those that lack nothing.
 */
export class VectorQueue {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /** Whether `take` would find one. */
  async isDue(): Promise<boolean> {
    const found = await rows(this.db, { one: int })`
      SELECT 1 AS one FROM simili.vector_queue WHERE catalog_id = ${this.catalogId} AND due_at <= now() LIMIT 1`;
    return found.length > 0;
  }

  /**
   * Takes up to `limit` products: they come back by themselves, those of a worker that died too. First those that nobody has taken since they
   * changed: of those that wait for an encoder that is gone there may be a whole catalog.
   */
  async take(limit: number): Promise<Queued[]> {
    const fresh = await this.taken(Prisma.sql`tries = 0`, limit);
    if (fresh.length === limit) return fresh;
    return [...fresh, ...(await this.taken(Prisma.sql`tries > 0`, limit - fresh.length))];
  }

  private taken(which: Prisma.Sql, limit: number): Promise<Queued[]> {
    const { catalogId } = this;
    return rows(this.db, { productId: text, place: bigint })`
      UPDATE simili.vector_queue SET tries = tries + 1,
        due_at = now() + make_interval(secs => least(${MOST_SECONDS}::int, ${TAKEN_SECONDS}::int * 2 ^ least(tries, 10)))
      WHERE catalog_id = ${catalogId} AND product_id = ANY(ARRAY(
        SELECT product_id FROM simili.vector_queue WHERE catalog_id = ${catalogId} AND due_at <= now() AND ${which}
        ORDER BY due_at, place LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING product_id AS "productId", place`;
  }

  /** Takes out those that have not changed since, or are changing now. */
  async done(queued: readonly Queued[]): Promise<void> {
    if (queued.length === 0) return;
    const { ids, places } = columnsOf(queued);
    await this.db.$executeRaw`
      DELETE FROM simili.vector_queue WHERE catalog_id = ${this.catalogId} AND product_id IN (
        SELECT k.product_id FROM simili.vector_queue k
          JOIN unnest(${ids}::text[], ${places}::text[]::bigint[]) AS t (id, place) ON k.product_id = t.id AND k.place = t.place
        WHERE k.catalog_id = ${this.catalogId} FOR UPDATE OF k SKIP LOCKED)`;
  }

  /** Gives those back whose turn was none, for want of an encoder. One that is changing now gets another place and is due by that. */
  async giveBack(queued: readonly Queued[]): Promise<void> {
    const { ids, places } = columnsOf(queued);
    await this.db.$executeRaw`
      UPDATE simili.vector_queue SET due_at = now(), tries = 0 WHERE catalog_id = ${this.catalogId} AND product_id IN (
        SELECT k.product_id FROM simili.vector_queue k
          JOIN unnest(${ids}::text[], ${places}::text[]::bigint[]) AS t (id, place) ON k.product_id = t.id AND k.place = t.place
        WHERE k.catalog_id = ${this.catalogId} FOR UPDATE OF k SKIP LOCKED)`;
  }
}

const columnsOf = (queued: readonly Queued[]) => ({
  ids: queued.map(({ productId }) => productId),
  places: queued.map(({ place }) => String(place)),
});
