import { Prisma } from '../generated/prisma/client.ts';

/**
 * That no quarantine which is in force holds what an event `e` of feedback_event says of one product. Three conditions, so that Postgres can look the
 * first two up by visitor and by product; the third kind is few.
 * @param item the product, as SQL
 */
export function unlessQuarantined(catalogId: string, item: Prisma.Sql): Prisma.Sql {
  const none = (kind: Prisma.Sql) => Prisma.sql`NOT EXISTS (
    SELECT 1 FROM simili.feedback_quarantine q
    WHERE q.catalog_id = ${catalogId} AND q.released_at IS NULL AND ${kind} AND (q.anchor_id IS NULL OR q.anchor_id = e.anchor_id)
      AND (q.since IS NULL OR e.received_at >= q.since) AND (q.until IS NULL OR e.received_at < q.until))`;
  const ofVisitor = none(Prisma.sql`q.visitor_id = e.visitor_id AND (q.item_id IS NULL OR q.item_id = ${item})`);
  const ofItem = none(Prisma.sql`q.visitor_id IS NULL AND q.item_id = ${item}`);
  const others = none(Prisma.sql`q.visitor_id IS NULL AND q.item_id IS NULL`);
  return Prisma.sql`${ofVisitor} AND ${ofItem} AND ${others}`;
}
