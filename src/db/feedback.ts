import type { FeedbackKind, PrismaClient } from '../generated/prisma/client.ts';

export type { FeedbackKind };

/** One event as it is stored. `itemIds` and `positions` (1-based, from the signed list) go together. */
export type FeedbackWrite = {
  eventId: string;
  kind: FeedbackKind;
  visitorId: string;
  anchorId: string;
  itemIds: string[];
  positions: number[];
  modelId: string;
  occurredAt: Date;
};

/** What shoppers did with one product at one place of one anchor's lists. */
export type PairStatistics = {
  anchorId: string;
  itemId: string;
  position: number;
  /** Times it was seen there. */
  impressions: number;
  clicks: number;
  /** Sum of action values: click 1, add to cart 3, purchase 6, dismiss -1. */
  value: number;
};

export class FeedbackRepository {
  constructor(private readonly db: PrismaClient) {}

  /** Stores those whose eventId is new, all in one commit. @returns how many were new. */
  async append(events: readonly FeedbackWrite[]): Promise<number> {
    const { count } = await this.db.feedbackEvent.createMany({ data: [...events], skipDuplicates: true });
    return count;
  }

  count(): Promise<number> {
    return this.db.feedbackEvent.count();
  }

  /**
   * All feedback up to `until`, by anchor, item and position. One visitor counts at most once per pair, position and
   * kind of action a day, so that nobody votes by reloading.
   */
  statistics(until: Date): Promise<PairStatistics[]> {
    return this.db.$queryRaw<PairStatistics[]>`
      WITH act AS (
        SELECT DISTINCT e.anchor_id, item.id AS item_id, item.position, e.kind, e.visitor_id, e.occurred_at::date AS day
        FROM simili.feedback_event e, unnest(e.item_ids, e.positions) AS item (id, position)
        WHERE e.received_at <= ${until}
      )
      SELECT anchor_id AS "anchorId", item_id AS "itemId", position,
        (count(*) FILTER (WHERE kind = 'IMPRESSION'))::int AS impressions,
        (count(*) FILTER (WHERE kind = 'CLICK'))::int AS clicks,
        sum(CASE kind WHEN 'CLICK' THEN 1 WHEN 'ADD_TO_CART' THEN 3 WHEN 'PURCHASE' THEN 6 WHEN 'DISMISS' THEN -1 ELSE 0 END)::float8
          AS value
      FROM act GROUP BY anchor_id, item_id, position
      ORDER BY anchor_id, item_id, position`;
  }
}
