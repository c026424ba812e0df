import type { PrismaClient } from '../generated/prisma/client.ts';
import { rows, text } from './sql/row.ts';

export type TellingLists = {
  /** First day that counts, YYYY-MM-DD (UTC); null: all days. */
  readonly from: string | null;
  readonly isWanted: (anchorId: string) => boolean;
};

/** Anchors whose lists are told of. */
const MOST_ANCHORS = 200;
/** Anchors among which the wanted ones are looked for: one product in five is held out. */
const MOST_LOOKED_AT = 10 * MOST_ANCHORS;
/** Products of one anchor: those of two pages. */
const MOST_BESIDE = 24;

/**
 * Products by the lists that tell most of what shoppers want: anchors beside which most was chosen, each before the products that were seen most beside it.
 * No sums are told, so nobody waits for days that are to be built again.
 */
export async function tellingLists(
  db: PrismaClient,
  catalogId: string,
  { from, isWanted }: TellingLists,
): Promise<string[][]> {
  const chosen = await rows(db, { anchorId: text })`
    SELECT anchor_id AS "anchorId" FROM simili.feedback_rollup
    WHERE catalog_id = ${catalogId} AND day >= coalesce(${from}::text::date, '-infinity') AND chosen > 0
    GROUP BY anchor_id ORDER BY sum(chosen) DESC, anchor_id LIMIT ${MOST_LOOKED_AT}::int`;
  const anchors = chosen
    .map(({ anchorId }) => anchorId)
    .filter(isWanted)
    .slice(0, MOST_ANCHORS);
  const seen = await rows(db, { anchorId: text, itemId: text })`
    SELECT anchor_id AS "anchorId", item_id AS "itemId" FROM (
      SELECT anchor_id, item_id, row_number() OVER (PARTITION BY anchor_id ORDER BY sum(impressions) DESC, item_id) AS place
      FROM simili.feedback_rollup
      WHERE catalog_id = ${catalogId} AND day >= coalesce(${from}::text::date, '-infinity') AND anchor_id = ANY (${anchors}::text[])
      GROUP BY anchor_id, item_id
    ) AS beside WHERE place <= ${MOST_BESIDE}::int ORDER BY anchor_id, place`;
  const lists = new Map(anchors.map((anchor) => [anchor, [anchor]]));
  for (const { anchorId, itemId } of seen) lists.get(anchorId)!.push(itemId);
  return [...lists.values()];
}
