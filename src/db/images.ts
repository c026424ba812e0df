import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { filled, float, int, orNull, type RowOf, rows, text, texts } from './sql/row.ts';

export type ImageRow = RowOf<typeof Claimed>;
/** A claim of a picture: what comes of it is written as long as nobody has claimed the picture since. */
export type ImageClaim = Pick<ImageRow, 'id' | 'reading'>;
/** A decoded picture and the product it shows: what training and embedding start from. */
export type ReadyImage = RowOf<typeof Ready>;
export type ImageFacts = { contentHash: string; mime: string; width: number; height: number };
/** Which content a source had (workers/pictures/fetched.ts). */
export type ImageRevision = { etag: string | null; lastModified: string | null };
/** A decoded picture that may have been replaced. */
export type AgedImage = RowOf<typeof Aged>;

const Place = { id: text, productId: text, position: int, source: text };
const Claimed = { ...Place, attempts: int, reading: int };
const Aged = { ...Claimed, contentHash: filled(text), etag: orNull(text), lastModified: orNull(text) };
const Ready = { ...Place, contentHash: filled(text), categories: filled(texts), groupId: orNull(text) };

export class ImageRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes up to `limit` pending pictures for `seconds`; nobody else gets them in that time. A picture that was taken
   * before and never finished comes back afterwards, so a dead worker loses none. `ARRAY`: where the planner knows nothing of the table, it looks
   * for more behind each row that it has locked, whatever the limit, if it may join what it finds. Each claim has a number of its own (`reading`).
   */
  claimPending(limit: number, seconds: number): Promise<ImageRow[]> {
    return rows(this.db, Claimed)`
      UPDATE simili.product_image SET claimed_until = now() + make_interval(secs => ${seconds}), attempts = attempts + 1,
        reading = reading + 1, wished = false
      WHERE catalog_id = ${this.catalogId} AND id = ANY(ARRAY(
        SELECT id FROM simili.product_image
        WHERE catalog_id = ${this.catalogId} AND state = 'PENDING' AND (claimed_until IS NULL OR claimed_until < now())
        ORDER BY position, id LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING id, product_id AS "productId", position, source, attempts, reading`;
  }

  /** Puts a claimed picture off: it comes back after `seconds`. `counted`: whether this was a try. */
  async postpone({ id, reading }: ImageClaim, seconds: number, counted = true): Promise<void> {
    await this.db.$executeRaw`
      UPDATE simili.product_image
      SET claimed_until = now() + make_interval(secs => ${seconds}), attempts = attempts - ${counted ? 0 : 1}
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND reading = ${reading} AND state = 'PENDING'`;
  }

  /**
   * Takes up to `limit` decoded pictures that are to be looked at again, for `seconds`: those whose time was set or, with
   * `ageSeconds`, those that were last looked at that long ago, each in the order of an index. They stay READY: the old picture serves meanwhile.
   */
  claimAged(limit: number, seconds: number, ageSeconds: number | null = null): Promise<AgedImage[]> {
    const [which, order] =
      ageSeconds === null
        ? [PLANNED, Prisma.sql`retry_at, checked_at, id`]
        : [agedBy(ageSeconds), Prisma.sql`checked_at, id`];
    return rows(this.db, Aged)`
      UPDATE simili.product_image SET claimed_until = now() + make_interval(secs => ${seconds}), attempts = attempts + 1,
        reading = reading + 1, wished = false
      WHERE catalog_id = ${this.catalogId} AND id = ANY(ARRAY(
        SELECT id FROM simili.product_image
        WHERE catalog_id = ${this.catalogId} AND state = 'READY' AND (claimed_until IS NULL OR claimed_until < now())
          AND ${which}
        ORDER BY ${order} LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING id, product_id AS "productId", position, source, attempts, reading, content_hash AS "contentHash",
                etag, last_modified AS "lastModified"`;
  }

  /** Whether `claimAged` would find one whose time was set or, with `ageSeconds`, one of that age. */
  async hasAged(ageSeconds: number | null): Promise<boolean> {
    const which = ageSeconds === null ? PLANNED : Prisma.sql`(${PLANNED} OR ${agedBy(ageSeconds)})`;
    const found = await rows(this.db, { one: int })`
      SELECT 1 AS one FROM simili.product_image
      WHERE catalog_id = ${this.catalogId} AND state = 'READY' AND (claimed_until IS NULL OR claimed_until < now())
        AND ${which} LIMIT 1`;
    return found.length > 0;
  }

  /** A decoded picture was looked at and kept. @param againSeconds when it is looked at again; null: at the usual age. */
  async markChecked(
    { id, reading }: ImageClaim,
    revision: ImageRevision | null,
    againSeconds: number | null = null,
  ): Promise<void> {
    const seen = revision
      ? Prisma.sql`etag = ${revision.etag}, last_modified = ${revision.lastModified},`
      : Prisma.empty;
    const kept = againSeconds === null ? Prisma.sql`checked_at = ${this.clock.now()}, attempts = 0,` : Prisma.empty;
    await this.db.$executeRaw`
      UPDATE simili.product_image SET ${seen} ${kept} claimed_until = NULL, retry_at = ${this.unlessWished(againSeconds)}
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND reading = ${reading} AND state = 'READY'`;
  }

  /** Failed pictures whose time has come wait for their next try. @returns how many. */
  async reopenFailed(limit: number): Promise<number> {
    return this.db.$executeRaw`
      UPDATE simili.product_image SET state = 'PENDING', retry_at = NULL, claimed_until = NULL
      WHERE catalog_id = ${this.catalogId} AND id = ANY(ARRAY(
        SELECT id FROM simili.product_image
        WHERE catalog_id = ${this.catalogId} AND state = 'FAILED' AND retry_at <= now()
        ORDER BY retry_at LIMIT ${limit} FOR UPDATE SKIP LOCKED))`;
  }

  /** Whether `claimPending` would find one. */
  async hasClaimable(): Promise<boolean> {
    const found = await rows(this.db, { one: int })`
      SELECT 1 AS one FROM simili.product_image
      WHERE catalog_id = ${this.catalogId} AND state = 'PENDING' AND (claimed_until IS NULL OR claimed_until < now()) LIMIT 1`;
    return found.length > 0;
  }

  /**
   * Whether a picture is in its first try, or waits for a worker that begins it. Not one that was tried before, nor one that was put
   * off for up to `postponedSeconds`: these wait for their hosts.
   */
  async hasUntried(postponedSeconds: number): Promise<boolean> {
    const found = await rows(this.db, { one: int })`
      SELECT 1 AS one FROM simili.product_image
      WHERE catalog_id = ${this.catalogId} AND state = 'PENDING'
        AND CASE attempts WHEN 0 THEN claimed_until IS NULL OR claimed_until < now()
          WHEN 1 THEN claimed_until > now() + make_interval(secs => ${postponedSeconds}) ELSE false END LIMIT 1`;
    return found.length > 0;
  }

  async markReady(
    { id, reading }: ImageClaim,
    { contentHash, mime, width, height }: ImageFacts,
    { etag, lastModified }: ImageRevision = { etag: null, lastModified: null },
  ): Promise<void> {
    const now = this.clock.now();
    await this.db.$executeRaw`
      UPDATE simili.product_image SET content_hash = ${contentHash}, mime = ${mime}, width = ${width}, height = ${height},
        etag = ${etag}, last_modified = ${lastModified}, state = 'READY', failure_code = NULL, failure = NULL,
        claimed_until = NULL, retry_at = ${this.unlessWished(null)}, attempts = 0, checked_at = ${now}, updated_at = ${now}
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND reading = ${reading}`;
  }

  /** @param retrySeconds when maintenance has it tried again; null: not before its product is sent again. */
  async markFailed(
    { id, reading }: ImageClaim,
    failureCode: string,
    failure: string,
    retrySeconds: number | null = null,
    counted = true,
  ): Promise<void> {
    await this.db.$executeRaw`
      UPDATE simili.product_image SET state = 'FAILED', failure_code = ${failureCode}, failure = ${failure},
        claimed_until = NULL, updated_at = ${this.clock.now()}, retry_at = ${this.unlessWished(retrySeconds)},
        attempts = CASE WHEN wished THEN 0 ELSE attempts - ${counted ? 0 : 1} END
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND reading = ${reading}`;
  }

  /**
   * A picture that was READY could not be read again: it is fetched anew, and that decides what becomes of it. Products that share it one
   * after the other: each takes its place in the queue of products, and who held several could wait for who holds others. Whoever looks at it
   * now says nothing of it any more.
   */
  async reopen(source: string): Promise<void> {
    const where = { catalogId: this.catalogId, source, state: 'READY' } as const;
    const data = {
      state: 'PENDING',
      attempts: 0,
      claimedUntil: null,
      reading: { increment: 1 },
      updatedAt: this.clock.now(),
    } as const;
    const found = await this.db.productImage.findMany({ where, select: { id: true } });
    for (const { id } of found) await this.db.productImage.updateMany({ where: { ...where, id }, data });
  }

  /** The file behind a picture that was decoded, for serving it. */
  byId(id: string): Promise<{ source: string; mime: string | null; contentHash: string | null; state: string } | null> {
    const select = { source: true, mime: true, contentHash: true, state: true };
    return this.db.productImage.findUnique({ where: { catalogId_id: { catalogId: this.catalogId, id } }, select });
  }

  /** Every decoded picture, in product and position order, in pages: `after` is the last one of the page before. */
  readyPage(limit: number, after: { productId: string; position: number } | null): Promise<ReadyImage[]> {
    return rows(this.db, Ready)`
      SELECT i.id, i.product_id AS "productId", i.position, i.source, i.content_hash AS "contentHash", p.categories, p.group_id AS "groupId"
      FROM simili.product_image i
        JOIN simili.product p ON p.catalog_id = i.catalog_id AND p.id = i.product_id
      WHERE i.catalog_id = ${this.catalogId} AND i.state = 'READY' AND (i.product_id, i.position) > (${after?.productId ?? ''}, ${after?.position ?? -1})
      ORDER BY i.product_id, i.position LIMIT ${limit}`;
  }

  /** Products whose first picture is decoded, and those of them that came to it after `began`. */
  async readySince(began: Date): Promise<{ products: number; changed: number }> {
    const [row] = await rows(this.db, { products: int, changed: int })`
      SELECT count(*)::int AS products, count(*) FILTER (WHERE updated_at > ${began})::int AS changed
      FROM simili.product_image WHERE catalog_id = ${this.catalogId} AND state = 'READY' AND position = 0`;
    return row ?? { products: 0, changed: 0 };
  }

  /** Products with a decoded picture, counted up to `most`, and how long ago the last one was decoded. */
  async decoded(most: number): Promise<{ products: number; quietSeconds: number }> {
    const [row] = await rows(this.db, { products: int, quietSeconds: orNull(float) })`
      SELECT (SELECT count(*)::int FROM (
          SELECT DISTINCT product_id FROM simili.product_image
          WHERE catalog_id = ${this.catalogId} AND state = 'READY' LIMIT ${most}) found) AS products,
        (SELECT extract(epoch FROM now() - max(updated_at))::float8
          FROM simili.product_image WHERE catalog_id = ${this.catalogId} AND state = 'READY') AS "quietSeconds"`;
    return { products: row?.products ?? 0, quietSeconds: row?.quietSeconds ?? Number.POSITIVE_INFINITY };
  }

  /** @param since only those that came to their state after it. */
  async counts(since?: Date): Promise<{ ready: number; pending: number; failed: number }> {
    const { catalogId } = this;
    const where = since ? { catalogId, updatedAt: { gte: since } } : { catalogId };
    const states = await this.db.productImage.groupBy({ by: ['state'], where, _count: true });
    const of = (state: string) => states.find((row) => row.state === state)?._count ?? 0;
    return { ready: of('READY'), pending: of('PENDING'), failed: of('FAILED') };
  }

  /** Newest first; only those after `since`. */
  failures(
    limit: number,
    since: Date = new Date(0),
  ): Promise<{ productId: string; source: string; failureCode: string | null; failure: string | null }[]> {
    return this.db.productImage.findMany({
      where: { catalogId: this.catalogId, state: 'FAILED', updatedAt: { gte: since } },
      orderBy: { updatedAt: 'desc' },
      take: limit,
      select: { productId: true, source: true, failureCode: true, failure: true },
    });
  }

  /** When a picture is looked at again whose claim ends: a wish that came in that time (src/db/product-images.ts) stands. */
  private unlessWished(seconds: number | null): Prisma.Sql {
    const planned = seconds === null ? null : new Date(this.clock.now().getTime() + 1000 * seconds);
    return Prisma.sql`CASE WHEN wished THEN retry_at ELSE ${planned}::timestamptz END`;
  }
}

/** Decoded pictures whose time was set. */
const PLANNED = Prisma.sql`retry_at <= now()`;
/** Those that were last looked at so long ago. One that could not be had then waits for the time that was set, however old it is. */
const agedBy = (seconds: number): Prisma.Sql =>
  Prisma.sql`retry_at IS NULL AND checked_at < now() - make_interval(secs => ${seconds})`;
