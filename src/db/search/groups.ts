import type { RankingParts } from './parts.ts';

/** A candidate, and the products of its group: what the condition below compares. All are SQL. */
export type Variants = {
  /** Id and distance of the candidate. */
  id: string;
  l2: string;
  /** Joins the vectors of a product `q`, and its distance by them. */
  vectors: string;
  distance: string;
};

/**
 * Conditions for one variant of a group in a list: none of the anchor's own group, and of each other group the one that ranks
 * first of those that pass the same filter. They look at the candidate alone and not at the page, so that pages agree
 * wherever they begin.
 *
 * `joined`: where the candidate's product is joined as `q`. `looked`: over a sorted subquery, for the few that are taken from it.
 * Neither can become a join, by which the planner would read all products and lose the order of the index: the one is half of an
 * OR, the other a value. The OR also tells the planner how few have a group.
 */
export const joined = (parts: RankingParts, variants: Variants): string =>
  `(q.group_id IS NULL OR NOT EXISTS (${better(parts, variants, 'SELECT q.group_id AS id')}))`;

export const looked = (parts: RankingParts, variants: Variants): string =>
  `(${better(parts, variants, `SELECT g.group_id AS id FROM simili.product g WHERE g.catalog_id = ${parts.catalog} AND g.id = ${variants.id}`)} LIMIT 1) IS NULL`;

/** One row where the group `own` has something that stands for it instead, or is the anchor's. */
function better({ catalog, ownGroup, narrowing, without }: RankingParts, variants: Variants, own: string): string {
  const { id, l2, vectors, distance } = variants;
  return `SELECT 1 FROM (${own}) AS grp WHERE grp.id = ${ownGroup} OR EXISTS (
        SELECT FROM simili.product q ${vectors}
        WHERE q.catalog_id = ${catalog} AND q.group_id = grp.id ${narrowing && `AND ${narrowing}`}
          ${without ? `AND q.id <> ALL(${without})` : ''} AND (${distance}, q.id) < (${l2}, ${id}))`;
}
