import DataLoader from 'dataloader';
import type { ProductRow } from '../db/sql/product-row.ts';
import { type Deadline, within } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import { keptIn } from '../kept-in.ts';
import { CATALOG_HEADER } from '../ports/authenticator.ts';
import type { Services } from '../services.ts';
import { MOST_ANCHORS } from '../similarity/anchors.ts';
import type { AnswerView } from '../similarity/answer-view.ts';
import { alikeAmong } from '../similarity/diversity.ts';
import { searcher } from '../similarity/searcher.ts';
import type { SimilarItemsPage, SimilarItemsRequest } from '../similarity/similar-items.ts';
import type { SimilarToPicturePage, SimilarToPictureRequest } from '../similarity/similar-to-picture.ts';
import type { SimilarToProductsPage, SimilarToProductsRequest } from '../similarity/similar-to-products.ts';
import { isStorable, toId, UNSTORABLE } from '../text.ts';
import { type Allowance, allowanceOf } from './allowance.ts';
import { LISTS_OF_DISTINCT, LISTS_OF_DIVERSE, MOST_LISTS, named } from './cost/limits.ts';
import { requestHeader } from './request-header.ts';

/** Whatever object the host makes for each request; a catalog's name is asked of it, nothing is written to it. */
export type RequestContext = object;
/** Which catalog a request is about; null: the one of requests that name none. */
export type CatalogOf = (context: RequestContext) => string | null | undefined;
/** State that the resolvers of one request share. */
export type Scope = {
  readonly services: Services;
  readonly allowance: Allowance;
  readonly products: DataLoader<string, ProductRow | null>;
  /**
   * @param deadline of the request, one for all its lists; null: it has none
   * @returns null once the request has been refused. @throws SimiliError TOO_COSTLY, once.
   */
  similarItems(request: SimilarItemsRequest, deadline: Deadline | null): Promise<SimilarItemsPage | null>;
  /** The same, of several anchors: each counts as a list. */
  similarToProducts(
    request: SimilarToProductsRequest,
    deadline: Deadline | null,
  ): Promise<SimilarToProductsPage | null>;
  /** The same, of a picture. */
  similarToPicture(request: SimilarToPictureRequest, deadline: Deadline | null): Promise<SimilarToPicturePage | null>;
};
/**
 * Rejects with SimiliError CATALOG_UNKNOWN.
 * @param deadline of the request that asks; null or left out: that which is followed
 */
export type ScopeOf = (context: RequestContext, deadline?: Deadline | null) => Promise<Scope>;

const catalogOfHeader: CatalogOf = (context) => requestHeader(context, CATALOG_HEADER) || null;

/** Scopes live as long as one request: keyed by its context object. One request is about one catalog. */
export function scoper(services: Services, catalogOf: CatalogOf = catalogOfHeader): ScopeOf {
  const scopes = keptIn<RequestContext, Promise<Scope>>();
  const open = async (context: RequestContext, deadline: Deadline | null) =>
    makeScope(await services.inCatalog(catalogOf(context) ?? null, deadline), allowanceOf(context));
  return (context, deadline = null) => {
    if (!isObject(context)) return open(context, deadline);
    const opened = scopes.get(context);
    if (opened) return opened;
    const scope = open(context, deadline);
    scopes.set(context, scope);
    return scope;
  };
}

/** Executed without a context there is nothing to share by: every field gets a scope of its own. */
const isObject = (context: unknown): boolean => typeof context === 'object' && context !== null;

/** Arguments that make a list cost more than a search. */
type Wishes = { distinctPictures?: boolean | null | undefined; diversity?: number | null | undefined };

function makeScope(services: Services, allowance: Allowance): Scope {
  const products = productLoader(services);
  let shared: AnswerView | null = null;
  const viewIn = (deadline: Deadline | null): AnswerView => (shared ??= makeView(services, products, deadline));
  let lists = 0;
  // The last guard: a server that asks src/graphql/cost beforehand never comes here. One error says it; the lists
  // that follow may be many thousands.
  const mayList = (more: number, { distinctPictures, diversity }: Wishes): boolean => {
    const before = lists;
    lists += more * (distinctPictures ? LISTS_OF_DISTINCT : 1) * ((diversity ?? 0) > 0 ? LISTS_OF_DIVERSE : 1);
    if (lists > MOST_LISTS && before <= MOST_LISTS)
      throw new SimiliError('TOO_COSTLY', { what: named.lists, most: MOST_LISTS });
    return lists <= MOST_LISTS;
  };
  return {
    services,
    allowance,
    products,
    similarItems: async (request, deadline) =>
      mayList(1, request) ? services.similarItems(request, viewIn(deadline)) : null,
    similarToPicture: async (request, deadline) => {
      if (!mayList(1, request)) return null;
      if (request.picture.url != null) allowance.namedPicture();
      return services.similarToPicture(request, viewIn(deadline));
    },
    similarToProducts: async (request, deadline) =>
      mayList(Math.min(request.anchorIds.length, MOST_ANCHORS), request)
        ? services.similarToProducts(request, viewIn(deadline))
        : null,
  };
}

/** One read of the serving pointer for all lists: a promotion in between does not mix two versions in one answer. */
function makeView(
  { serving, search, repositories, telemetry }: Services,
  products: Scope['products'],
  deadline: Deadline | null,
): AnswerView {
  const { categoryNames, embeddings } = repositories;
  const inTime = <T>(ask: () => Promise<T>): Promise<T> => within(deadline, ask);
  let pinned: ReturnType<AnswerView['serving']> | null = null;
  return {
    inTime,
    serving: () => (pinned ??= serving.current(deadline)),
    forgetServing() {
      serving.forget();
      pinned = null;
    },
    spelled: (filter) => categoryNames.spelled(filter, deadline),
    nearest: searcher(search, telemetry, deadline),
    distinct: ({ number }, compared) => inTime(() => embeddings.distinct(number, compared)),
    alike: (version, ids) => inTime(() => alikeAmong(embeddings, version, ids)),
    product: (id) => inTime(() => products.load(id)),
  };
}

/** An error for its id alone: others of the request are read together with it. */
const unstorable = new SimiliError('INVALID_ARGUMENT', { argument: 'id', why: UNSTORABLE });

function productLoader({ repositories }: Services): Scope['products'] {
  return new DataLoader<string, ProductRow | null>(
    async (asked) => {
      const ids = asked.map(toId);
      const rows = await repositories.products.byIds(ids.filter(isStorable));
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => (isStorable(id) ? (byId.get(id) ?? null) : unstorable));
    },
    { cacheKeyFn: toId },
  );
}
