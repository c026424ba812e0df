import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { FEWEST_PEOPLE } from '../fewest-people.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { sparingly } from '../remembered.ts';
import { lockFeedback } from './feedback-lock.ts';
import { unlessQuarantined } from './quarantine-sql.ts';
import { type Parameter, parameters } from './search/parts.ts';
import { conditions, type SearchFilter } from './search/statement.ts';
import type { Ask } from './sql/ask.ts';
import { PRODUCT_COLUMNS, type ProductColumns, ProductShape, productOf } from './sql/product-columns.ts';
import type { ProductRow } from './sql/product-row.ts';
import { int, rows, text } from './sql/row.ts';

/** Days of feedback that are counted, up to the last one that is rolled up. */
const DAYS = 28;
/** Most products that are kept as popular. */
const MOST_POPULAR = 1000;
/** ms; a month of a large shop has millions of events. */
const COUNTING = { timeout: 3_600_000 };

/** Products that are kept of each category and filter, for the next lists: more than the longest has, for variants and those that it leaves out. */
const CANDIDATES = 256;
/** They are kept of so many categories and filters, and for so long at most, ms: what is new comes in behind that. */
const FILTERS_REMEMBERED = 200;
const LONGEST_MS = 10_000;
const Id = { id: text };

/** A list to be shown instead of similar products. */
export type Fallback = {
  /** The product that it is shown beside. */
  anchor: Pick<ProductRow, 'id' | 'groupId'>;
  /** Products of any of these categories; null: those that are popular. */
  categories: readonly string[] | null;
  filter: SearchFilter;
  limit: number;
};

/** Lists for products that cannot be compared yet (docs/adr/0023-fallback.md). */
export class FallbackRepository {
  private readonly best = new LRUCache<string, string[]>({ max: FILTERS_REMEMBERED });

  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly catalogId: string,
    /** ms for which the first of a category and filter are kept, by the ms that finding them took. */
    private readonly lasts = sparingly,
  ) {}

  /**
   * Those that most visitors chose of late come first, then the newest; of a group one, and none of the anchor's. The filter holds inside.
   * @returns at most `limit`
   */
  async list(fallback: Fallback): Promise<ProductRow[]> {
    const { categories, filter, limit } = fallback;
    const { excludeIds: _, ...ofAll } = filter;
    const best = await this.bestOf(categories, ofAll);
    const found = await this.page(fallback, best);
    // The anchor's variants and the ids that are left out may be all that was kept.
    return found.length < limit && best.length === CANDIDATES ? this.page(fallback, null) : found;
  }

  /** Ids of the first CANDIDATES, whose page is that of all where it is long enough: a large category is not sorted for each list of it. */
  private async bestOf(categories: Fallback['categories'], filter: SearchFilter): Promise<string[]> {
    const key = createHash('sha256')
      .update(JSON.stringify([categories, filter]))
      .digest('base64');
    const known = this.best.get(key);
    if (known) return known;
    const since = performance.now();
    const best = await this.askBest(categories, filter);
    const ttl = Math.min(LONGEST_MS, this.lasts(performance.now() - since));
    if (best.length === CANDIDATES && ttl > 0) this.best.set(key, best, { ttl });
    return best;
  }

  private async askBest(categories: Fallback['categories'], filter: SearchFilter): Promise<string[]> {
    const { param, values } = parameters();
    const catalog = param(this.catalogId, 'text');
    const sql = `SELECT each.id FROM (${passing(catalog, { categories, filter }, [], param)}) AS each
      ORDER BY ${orderOf('each')} LIMIT ${CANDIDATES}`;
    return (await this.ask({ text: sql, row: Id }, values)).map(({ id }) => id);
  }

  /** @param among the only ones that are looked at; null: all */
  private async page(
    { anchor, categories, filter, limit }: Fallback,
    among: readonly string[] | null,
  ): Promise<ProductRow[]> {
    const { param, values } = parameters();
    const catalog = param(this.catalogId, 'text');
    const others = { ...filter, excludeIds: [...(filter.excludeIds ?? []), anchor.id] };
    const only = [
      ...(among === null ? [] : [`q.id = ANY(${param(among, 'text[]')})`]),
      ...(anchor.groupId === null ? [] : [`q.group_id IS DISTINCT FROM ${param(anchor.groupId, 'text')}`]),
    ];
    const sql = `
      SELECT ${PRODUCT_COLUMNS}
      FROM (
        SELECT * FROM (
          SELECT *, row_number() OVER (PARTITION BY group_id, CASE WHEN group_id IS NULL THEN id END ORDER BY ${orderOf('q')}) AS variant
          FROM (${passing(catalog, { categories, filter: others }, only, param)}) AS q
        ) AS each
        WHERE variant = 1 ORDER BY ${orderOf('each')} LIMIT ${param(limit, 'int')}
      ) AS n
        JOIN simili.product p ON p.catalog_id = ${catalog} AND p.id = n.id
        LEFT JOIN simili.product_image i ON i.catalog_id = ${catalog} AND i.product_id = n.id AND i.position = 0
      ORDER BY ${orderOf('n')}`;
    const found = await this.ask({ text: sql, row: ProductShape }, values);
    return found.map((row) => productOf(row as ProductColumns));
  }

  /**
   * Counts anew how many visitors chose each product, where a day was rolled up since: of the last `DAYS` days that are, all but quarantined
   * events and those that no signed list led to, which anybody can send under any name. A product that fewer than `FEWEST_PEOPLE` chose is not kept.
   * @returns whether anything was counted
   */
  async countPopular(): Promise<boolean> {
    const { catalogId } = this;
    return this.db.$transaction(async (tx) => {
      await lockFeedback(tx, catalogId);
      const fresh = await rows(tx, { one: int })`
        SELECT 1 AS one FROM simili.feedback_day WHERE catalog_id = ${catalogId} AND NOT stale AND NOT counted LIMIT 1`;
      if (fresh.length === 0) return false;
      await tx.$executeRaw`DELETE FROM simili.popular_product WHERE catalog_id = ${catalogId}`;
      await tx.$executeRaw`
        WITH days AS (
          SELECT day FROM simili.feedback_day WHERE catalog_id = ${catalogId} AND NOT stale
            AND day > (SELECT max(day) FROM simili.feedback_day WHERE catalog_id = ${catalogId} AND NOT stale) - ${DAYS}::int
        )
        INSERT INTO simili.popular_product (catalog_id, product_id, visitors)
        SELECT ${catalogId}::text, p.id, count(DISTINCT e.visitor_id)
        FROM days JOIN simili.feedback_event e ON e.catalog_id = ${catalogId}
            AND e.received_at >= days.day::timestamp AT TIME ZONE 'UTC' AND e.received_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
          JOIN simili.product p ON p.catalog_id = ${catalogId} AND p.id = e.item_ids[1]
        WHERE e.kind IN ('CLICK', 'ADD_TO_CART', 'PURCHASE') AND e.anchor_id IS NOT NULL AND ${unlessQuarantined(catalogId, Prisma.sql`e.item_ids[1]`)}
        GROUP BY p.id HAVING count(DISTINCT e.visitor_id) >= ${FEWEST_PEOPLE}::int
        ORDER BY count(DISTINCT e.visitor_id) DESC, p.id LIMIT ${MOST_POPULAR}::int`;
      await tx.$executeRaw`
        UPDATE simili.feedback_day SET counted = true WHERE catalog_id = ${catalogId} AND NOT stale AND NOT counted`;
      return true;
    }, COUNTING);
  }
}

type Chosen = Pick<Fallback, 'categories' | 'filter'>;

/** SQL of the products that pass, with what they are ordered by. @param only further conditions over a product `q` */
function passing(catalog: string, { categories, filter }: Chosen, only: readonly string[], param: Parameter): string {
  const { narrowing, without } = conditions(filter, param);
  const wanted = [
    `q.catalog_id = ${catalog}`,
    ...(without ? [`q.id <> ALL(${without})`] : []),
    ...(narrowing ? [narrowing] : []),
    ...(categories === null ? [] : [`q.categories && ${param([...categories], 'text[]')}`]),
    ...only,
  ];
  return `
    SELECT q.id, q.group_id, q.created_at, v.visitors
    FROM simili.product q ${categories === null ? '' : 'LEFT'} JOIN simili.popular_product v
      ON v.catalog_id = q.catalog_id AND v.product_id = q.id
    WHERE ${wanted.join(' AND ')}`;
}

const orderOf = (alias: string): string => `${alias}.visitors DESC NULLS LAST, ${alias}.created_at DESC, ${alias}.id`;
