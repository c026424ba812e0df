import { z } from 'zod';
import { checked } from '../checked.ts';
import type { FallbackRepository } from '../db/fallback.ts';
import type { AnswerView } from './answer-view.ts';
import type { PageSearch, RankedPage } from './ranked-page.ts';
import { SimilarItem } from './similar-item.ts';

/** `SimilarItemsFallback` of the contract. */
export const FALLBACKS = ['NONE', 'CATEGORY', 'POPULAR'] as const;
const Kind = z.enum(FALLBACKS, `must be one of ${FALLBACKS.join(', ')}`);
export type FallbackKind = (typeof FALLBACKS)[number];

/** Stands for a version in a cursor of such a list: there is none of that id, so that it is retired. */
const NO_VERSION = 'a fallback';

type Deps = { signingKey: string; fallbacks: Pick<FallbackRepository, 'list'> };

/** @throws SimiliError INVALID_ARGUMENT. */
export const checkedFallback = (kind: unknown): FallbackKind =>
  kind == null ? 'NONE' : checked(Kind, kind, 'fallback');

/**
 * The one page of a list that is shown while the anchor cannot be compared, in place of nothing.
 * @returns `page`, where it needs none: what was ranked, an unknown anchor, a further page; or where there is nothing to show
 */
export async function orFallback(
  { signingKey, fallbacks }: Deps,
  kind: FallbackKind,
  { anchorId, first, filter, place }: Pick<PageSearch, 'anchorId' | 'first' | 'filter' | 'place'>,
  page: RankedPage,
  view: Pick<AnswerView, 'product' | 'spelled' | 'inTime'>,
): Promise<RankedPage> {
  const isWanted =
    kind !== 'NONE' && place === null && (page.status === 'COLD_ITEM' || page.status === 'MODEL_NOT_READY');
  const anchor = isWanted ? await view.product(anchorId) : null;
  const category = kind === 'CATEGORY' ? anchor?.categories.at(-1) : null;
  if (!anchor || category === undefined) return page;
  const { categories = null } = category === null ? {} : await view.spelled({ categories: [category] });
  const spelled = await view.spelled(filter);
  const found = await view.inTime(() => fallbacks.list({ anchor, categories, filter: spelled, limit: first }));
  if (found.length === 0) return page;
  const items = found.map((product, i) => {
    const place = { modelId: NO_VERSION, anchorId, position: i + 1, l2: 0, productId: product.id, skip: 0 };
    return new SimilarItem(product, i + 1, 0, place, signingKey);
  });
  return { ...page, status: kind === 'CATEGORY' ? 'FALLBACK_CATEGORY' : 'FALLBACK_POPULAR', items };
}
