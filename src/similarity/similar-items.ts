import { toId } from '../text.ts';
import type { AnswerView } from './answer-view.ts';
import { type PageRequest, type RankedPage, type RankingDeps, rankedPage } from './ranked-page.ts';
import { drawOf, makeNonce, signList } from './recommendation-id.ts';

export type SimilarItemsRequest = PageRequest & { anchorId: string };
export type SimilarItemsPage = RankedPage & { recommendationId: string };

type Deps = RankingDeps & {
  now: () => Date;
  /** Share of lists that explore (exploration.ts), 0 to 0.2. */
  exploring: number;
};

/**
 * A page of the products that look like the anchor. Everything that is a fact about the catalog is a status, not an error.
 * @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID, CURSOR_RETIRED, EXTENSION_FAILED.
 */
export async function similarItems(
  deps: Deps,
  { anchorId: id, ...request }: SimilarItemsRequest,
  view: AnswerView,
): Promise<SimilarItemsPage> {
  const anchorId = toId(id);
  const nonce = makeNonce();
  const asked = { anchorId, exploring: { share: deps.exploring, draw: drawOf(nonce) } };
  const { exploration, filtered, ...page } = await rankedPage(deps, asked, request, view);
  const { modelId, items } = page;
  const shown = {
    anchorId,
    modelId,
    firstPosition: items[0]?.position ?? 1,
    itemIds: items.map(({ product }) => product.id),
    filtered,
    exploration,
    issuedAt: deps.now(),
  };
  return { ...page, recommendationId: signList(deps.signingKey, shown, nonce) };
}
