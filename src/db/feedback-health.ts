import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import { float, orNull, rows, text, time } from './sql/row.ts';

/** So many events of a catalog were answered so, on a day (YYYY-MM-DD, UTC). */
export type FeedbackCountWrite = { catalog: string; day: string; name: string; count: number };

/** Counts of answers to feedback, of all catalogs: one statement for what a process has gathered. */
export class FeedbackCounts {
  constructor(private readonly db: PrismaClient) {}

  /** Adds to what is there. @param counts each catalog, day and name once */
  async add(counts: readonly FeedbackCountWrite[]): Promise<void> {
    const column = <Key extends keyof FeedbackCountWrite>(key: Key) => counts.map((one) => one[key]);
    await this.db.$executeRaw`
      INSERT INTO simili.feedback_count AS known (catalog_id, day, name, count)
      SELECT catalog_id, day::date, name, count
      FROM unnest(${column('catalog')}::text[], ${column('day')}::text[], ${column('name')}::text[], ${column('count')}::int[])
        AS sent (catalog_id, day, name, count)
      ORDER BY catalog_id, day, name -- so that two processes wait for each other in one order
      ON CONFLICT (catalog_id, day, name) DO UPDATE SET count = known.count + excluded.count`;
  }
}

/**
 * Lists that were reported about, those of them with an impression; events without a list, those of them that came of one; and the end of the last
 * day before the first that waits.
 */
export type ListCounts = {
  lists: number;
  seen: number;
  withoutList: number;
  outcomes: number;
  rolledUpTo: Date | null;
};

const LISTS = { lists: float, seen: float, withoutList: float, outcomes: float, rolledUpTo: orNull(time) };

export class FeedbackHealthRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /** Counts by name, from a day (YYYY-MM-DD) on. */
  counts(since: string): Promise<{ name: string; count: number }[]> {
    return rows(this.db, { name: text, count: float })`
      SELECT name, sum(count)::float8 AS count FROM simili.feedback_count
      WHERE catalog_id = ${this.catalogId} AND day >= ${since}::text::date GROUP BY name ORDER BY count DESC, name`;
  }

  /** Lists of days that are rolled up, from a day on. */
  async lists(since: string): Promise<ListCounts> {
    const { catalogId } = this;
    const isThere = Prisma.sql`NOT stale AND day >= ${since}::text::date`;
    const [row] = await rows(this.db, LISTS)`
      SELECT coalesce(sum(lists) FILTER (WHERE ${isThere}), 0)::float8 AS lists,
        coalesce(sum(lists_seen) FILTER (WHERE ${isThere}), 0)::float8 AS seen,
        coalesce(sum(without_list) FILTER (WHERE ${isThere}), 0)::float8 AS "withoutList",
        coalesce(sum(outcomes) FILTER (WHERE ${isThere}), 0)::float8 AS outcomes,
        (max(day) FILTER (WHERE NOT stale AND day < coalesce(
          (SELECT min(day) FROM simili.feedback_day WHERE catalog_id = ${catalogId} AND stale), 'infinity')) + 1
        )::timestamp AT TIME ZONE 'UTC' AS "rolledUpTo"
      FROM simili.feedback_day WHERE catalog_id = ${catalogId}`;
    return row!;
  }

  /** Slices in quarantine, and events that they held when they were made. */
  async quarantined(): Promise<{ slices: number; events: number }> {
    const { _count: slices, _sum } = await this.db.feedbackQuarantine.aggregate({
      where: { catalogId: this.catalogId, releasedAt: null },
      _count: true,
      _sum: { events: true },
    });
    return { slices, events: _sum.events ?? 0 };
  }

  /** Visitors whom each rule has put into quarantine since a moment, and the events that they had then; not those who were let out. The most first. */
  async bots(since: Date): Promise<{ rule: string; visitors: number; events: number }[]> {
    const found = await this.db.feedbackQuarantine.groupBy({
      by: ['rule'],
      where: { catalogId: this.catalogId, rule: { not: null }, releasedAt: null, createdAt: { gte: since } },
      _count: true,
      _sum: { events: true },
    });
    return found
      .map(({ rule, _count: visitors, _sum }) => ({ rule: rule!, visitors, events: _sum.events ?? 0 }))
      .sort((a, b) => b.visitors - a.visitors || (a.rule < b.rule ? -1 : 1));
  }

  async newestEvent(): Promise<Date | null> {
    const found = await this.db.feedbackEvent.findFirst({
      where: { catalogId: this.catalogId },
      select: { receivedAt: true },
      orderBy: { receivedAt: 'desc' },
    });
    return found?.receivedAt ?? null;
  }
}
