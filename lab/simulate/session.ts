import type { Random } from '@simili/learning/numbers/random';
import { type Ask, isRefusal } from './client.ts';
import { type Habits, pagesOf, type Tile, tilesOnScreen, type Visit, visitPage } from './shopper.ts';

/** Clock and ids of what is sent. */
export type Stamp = { now: () => Date; newId: () => string };
/** `FeedbackEventInput` of the contract. */
export type FeedbackEvent = Partial<
  Record<
    'impression' | 'click' | 'addToCart',
    { eventId: string; occurredAt: string; recommendationId: string } & About
  >
>;
type About = { itemIds: string[] } | { itemId: string };

/** Shop of a session. `shown`: may this product be shown to shoppers at all? */
export type Shop = {
  ask: Ask;
  anchors: readonly string[];
  shown: (id: string) => boolean;
  /** Sent along as `filter.excludeIds`; at most 200. */
  excludeIds: readonly string[];
  standing: (anchor: string, item: string) => number;
  habits: Habits;
  stamp: Stamp;
};

const LIST = `query List($id: ID!, $after: String, $filter: ProductFilter) {
  similarItems(id: $id, first: 24, after: $after, filter: $filter) {
    recommendationId edges { position node { id } } pageInfo { hasNextPage endCursor } } }`;
type Page = {
  similarItems: {
    recommendationId: string;
    edges: { position: number; node: { id: string } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  } | null;
};

/** One shopper looks at one product's list, page by page. @returns the events, at most 100; [] when the list is empty. */
export async function shop(
  { ask, anchors, shown, excludeIds, standing, habits, stamp }: Shop,
  random: Random,
): Promise<FeedbackEvent[]> {
  const anchor = anchors[random.int(anchors.length)]!;
  const filter = excludeIds.length ? { excludeIds } : null;
  const events: FeedbackEvent[] = [];
  let after: string | null = null;
  for (let left = pagesOf(random, habits); left > 0; left--) {
    const page: Page['similarItems'] = await nextPage(ask, { id: anchor, after, filter });
    if (!page) break;
    const tiles = page.edges.map(({ position, node }) => ({ position, id: node.id }));
    const screen = left > 1 ? tiles : tiles.slice(0, tilesOnScreen(random, tiles.length));
    const visit = visitPage(
      screen.filter(({ id }: Tile) => shown(id)),
      (id) => standing(anchor, id),
      random,
      habits,
    );
    events.push(...toEvents(visit, page.recommendationId, stamp));
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
  }
  return events.slice(0, MOST_EVENTS);
}

const MOST_EVENTS = 100;

/** null: the list went away with its model; the shopper leaves. */
async function nextPage(ask: Ask, variables: object): Promise<Page['similarItems']> {
  try {
    return (await ask<Page>(LIST, variables)).similarItems;
  } catch (error) {
    if (isRefusal(error, 'CURSOR_RETIRED')) return null;
    throw error;
  }
}

function toEvents({ seen, actions }: Visit, recommendationId: string, { now, newId }: Stamp): FeedbackEvent[] {
  if (seen.length === 0) return [];
  const event = (about: About) => ({ eventId: newId(), occurredAt: now().toISOString(), recommendationId, ...about });
  return [
    { impression: event({ itemIds: seen }) },
    ...actions.map(({ kind, itemId }) => ({ [kind]: event({ itemId }) })),
  ];
}
