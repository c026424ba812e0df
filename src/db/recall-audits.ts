import type { PrismaClient } from '../generated/prisma/client.ts';
import { float, rows } from './sql/row.ts';

/** A list that was ranked a second time: of `wanted` neighbours that it should have begun with it had `found`. */
export type AuditedList = { readonly wanted: number; readonly found: number };
/** Sums over lists: counts, and wanted squared, wanted times found, found squared. `late`: lists whose exact ranking took too long, in no other sum. */
export type AuditSums = {
  lists: number;
  wanted: number;
  found: number;
  wantedSq: number;
  products: number;
  foundSq: number;
  late: number;
};

const SUMS = {
  lists: float,
  wanted: float,
  found: float,
  wantedSq: float,
  products: float,
  foundSq: float,
  late: float,
};
type Counts = { readonly lists: number; readonly late: number };

/** Hours that are kept beyond those that anybody reads. */
const KEPT_HOURS = 7 * 24;

/** Audits of the recall of a catalog's search (docs/adr/0028-recall-audit.md), of all processes, by hour. */
export class RecallAuditRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /** Adds one to the hour that it is. @param version its number */
  add(version: number, { wanted, found }: AuditedList): Promise<void> {
    return this.addToHour(version, { lists: 1, wanted, found, late: 0 });
  }

  /** Adds one whose exact ranking took too long. @param version its number */
  addLate(version: number): Promise<void> {
    return this.addToHour(version, { lists: 0, wanted: 0, found: 0, late: 1 });
  }

  private async addToHour(version: number, { lists, wanted, found, late }: AuditedList & Counts): Promise<void> {
    const { catalogId } = this;
    await this.db.$executeRaw`
      WITH old AS (DELETE FROM simili.recall_audit WHERE catalog_id = ${catalogId} AND hour < now() - make_interval(hours => ${KEPT_HOURS}::int))
      INSERT INTO simili.recall_audit AS known (catalog_id, version, hour, lists, wanted, found, wanted_sq, products, found_sq, late)
      VALUES (${catalogId}, ${version}::int, date_trunc('hour', now()), ${lists}::int, ${wanted}::int, ${found}::int,
        ${wanted ** 2}::int, ${wanted * found}::int, ${found ** 2}::int, ${late}::int)
      ON CONFLICT (catalog_id, version, hour) DO UPDATE SET lists = known.lists + excluded.lists, wanted = known.wanted + excluded.wanted,
        found = known.found + excluded.found, wanted_sq = known.wanted_sq + excluded.wanted_sq,
        products = known.products + excluded.products, found_sq = known.found_sq + excluded.found_sq,
        late = known.late + excluded.late`;
  }

  /** Sums of a version's last hours, with the one that it is. */
  async sums(version: number, hours: number): Promise<AuditSums> {
    const [row] = await rows(this.db, SUMS)`
      SELECT coalesce(sum(lists), 0)::float8 AS lists, coalesce(sum(wanted), 0)::float8 AS wanted, coalesce(sum(found), 0)::float8 AS found,
        coalesce(sum(wanted_sq), 0)::float8 AS "wantedSq", coalesce(sum(products), 0)::float8 AS products,
        coalesce(sum(found_sq), 0)::float8 AS "foundSq", coalesce(sum(late), 0)::float8 AS late
      FROM simili.recall_audit
      WHERE catalog_id = ${this.catalogId} AND version = ${version}::int AND hour > now() - make_interval(hours => ${hours}::int)`;
    return row!;
  }
}
