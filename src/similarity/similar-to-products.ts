import { checkedAnchors, keyOfAnchors } from './anchors.ts';
import type { AnswerView } from './answer-view.ts';
import { type PageRequest, type RankedPage, type RankingDeps, rankedPage, searchOf } from './ranked-page.ts';

export type SimilarToProductsRequest = PageRequest & { anchorIds: readonly string[] };
/** `anchorIds`: as they were asked for, each once. */
export type SimilarToProductsPage = RankedPage & { anchorIds: readonly string[] };

/**
 * A page of the products that look like several anchors together (docs/adr/0020-several-anchors.md). The list is not signed and explores
 * nothing: a click in it says of no single anchor that the product looks like it, so nothing is learned from it.
 * @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID, CURSOR_RETIRED, EXTENSION_FAILED.
 */
export async function similarToProducts(
  deps: RankingDeps,
  request: SimilarToProductsRequest,
  view: AnswerView,
): Promise<SimilarToProductsPage> {
  const anchorIds = checkedAnchors(request.anchorIds);
  const asked = { anchorId: keyOfAnchors(anchorIds), anchorIds, exploring: null };
  const { page } = await rankedPage(deps, searchOf(deps, asked, request), view);
  return { ...page, anchorIds };
}
