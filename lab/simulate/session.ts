import type { Random } from '@simili/learning/numbers/random';
import { type Ask, isRefusal } from './client.ts';
import { type Action, type Habits, pagesOf, type Tile, tilesOnScreen, visitPage } from './shopper.ts';

/** Clock and ids of what is sent. */
export type Stamp = { now: () => Date; newId: () => string };
type Kind = 'impression' | Action['kind'];
/** `FeedbackEventInput` of the contract. */
export type FeedbackEvent = Partial<
  Record<Kind, { eventId: string; occurredAt: string; recommendationId: string } & About>
>;
type About = { itemIds: string[] } | { itemId: string };
/** `excludeIds`: at most 200. */
export type ProductFilter = { excludeIds: readonly string[] } | null;

/** Shop of a session. `shown`: may this product be shown to shoppers at all? */
export type Shop = {
  ask: Ask;
  anchors: readonly string[];
  shown: (id: string) => boolean;
  filter: ProductFilter;
  standing: (anchor: string, item: string) => number;
  habits: Habits;
  stamp: Stamp;
};

/** Tiles of a page that a shopper opens. */
export const PAGE = 24;
/** Events of one call of submitFeedback. */
export const MOST_EVENTS = 100;

const LIST = `query List($id: ID!, $first: Int, $after: String, $filter: ProductFilter) {
  similarItems(id: $id, first: $first, after: $after, filter: $filter) {
    recommendationId edges { position node { id } } pageInfo { hasNextPage endCursor } } }`;
type Page = {
  recommendationId: string;
  edges: { position: number; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};
type Asked = { id: string; after: string | null; filter: ProductFilter; first?: number };

/** A page of a list. @returns null: the list went away with its model, or there is no such product. */
export async function readPage(ask: Ask, { first = PAGE, ...asked }: Asked): Promise<Page | null> {
  try {
    return (await ask<{ similarItems: Page | null }>(LIST, { first, ...asked })).similarItems;
  } catch (error) {
    if (isRefusal(error, 'CURSOR_RETIRED')) return null;
    throw error;
  }
}

export const tilesOf = ({ edges }: Page): Tile[] => edges.map(({ position, node }) => ({ position, id: node.id }));

/** One shopper looks at one product's list, page by page. @returns the events, at most 100; [] when the list is empty. */
export async function shop(
  { ask, anchors, shown, filter, standing, habits, stamp }: Shop,
  random: Random,
): Promise<FeedbackEvent[]> {
  const anchor = anchors[random.int(anchors.length)]!;
  const events: FeedbackEvent[] = [];
  let after: string | null = null;
  for (let left = pagesOf(random, habits); left > 0; left--) {
    const page: Page | null = await readPage(ask, { id: anchor, after, filter });
    if (!page) break;
    const tiles = tilesOf(page);
    const screen = left > 1 ? tiles : tiles.slice(0, tilesOnScreen(random, tiles.length));
    const { seen, actions } = visitPage(
      screen.filter(({ id }: Tile) => shown(id)),
      (id) => standing(anchor, id),
      random,
      habits,
    );
    if (seen.length > 0) events.push(seenEvent(seen, page.recommendationId, stamp));
    for (const { kind, itemId } of actions) events.push(itemEvent(kind, itemId, page.recommendationId, stamp));
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
  }
  return events.slice(0, MOST_EVENTS);
}

/** An impression of some products of a list. */
export const seenEvent = (itemIds: string[], recommendationId: string, stamp: Stamp): FeedbackEvent => ({
  impression: { ...stamped(stamp), recommendationId, itemIds },
});

/** An action on a product of a list. */
export const itemEvent = (
  kind: Action['kind'],
  itemId: string,
  recommendationId: string,
  stamp: Stamp,
): FeedbackEvent => ({ [kind]: { ...stamped(stamp), recommendationId, itemId } });

const stamped = ({ now, newId }: Stamp) => ({ eventId: newId(), occurredAt: now().toISOString() });
