import { checked } from '../checked.ts';
import type { FallbackRepository } from '../db/fallback.ts';
import { Placement } from '../placement.ts';
import { toId } from '../text.ts';
import type { AnswerView } from './answer-view.ts';
import { checkedFallback, type FallbackKind, orFallback } from './fallback.ts';
import { type PageRequest, type RankedPage, type RankingDeps, rankedPage, searchOf } from './ranked-page.ts';
import { drawOf, makeNonce, signList } from './recommendation-id.ts';

/** `fallback`: null or left out: none. `placement`: where the list stands; null or left out: `default`. */
export type SimilarItemsRequest = PageRequest & {
  anchorId: string;
  fallback?: FallbackKind | null | undefined;
  placement?: string | null | undefined;
};
export type SimilarItemsPage = RankedPage & { recommendationId: string };

type Deps = RankingDeps & {
  fallbacks: Pick<FallbackRepository, 'list'>;
  now: () => Date;
  /** Share of lists that explore (exploration.ts), 0 to 0.2. */
  exploring: number;
};

/**
 * A page of the products that look like the anchor. Everything that is a fact about the catalog is a status, not an error. Nothing is
 * learned from a list that no model ranked: signed, it is empty.
 * @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID, CURSOR_RETIRED, EXTENSION_FAILED.
 */
export async function similarItems(
  deps: Deps,
  request: SimilarItemsRequest,
  view: AnswerView,
): Promise<SimilarItemsPage> {
  const anchorId = toId(request.anchorId);
  const nonce = makeNonce();
  const kind = checkedFallback(request.fallback);
  const placement = checked(Placement, request.placement, 'placement');
  const search = searchOf(deps, { anchorId, exploring: { share: deps.exploring, draw: drawOf(nonce) } }, request);
  const { page: ranked, exploration, filtered } = await rankedPage(deps, search, view);
  const { modelId, items } = ranked;
  const shown = {
    anchorId,
    modelId,
    firstPosition: items[0]?.position ?? 1,
    itemIds: items.map(({ product }) => product.id),
    filtered,
    placement,
    exploration,
    issuedAt: deps.now(),
  };
  const page = await orFallback(deps, kind, search, ranked, view);
  return { ...page, recommendationId: signList(deps.signingKey, shown, nonce) };
}
