import type { z } from 'zod';
import { checked } from '../checked.ts';
import { type ModelRepository, type ServingPointer, spacesOf } from '../db/models.ts';
import type { RankingVersion } from '../db/search/repository.ts';
import type { SearchFilter } from '../db/search/statement.ts';
import type { Parts } from '../db/sql/product-columns.ts';
import { VersionGone } from '../db/sql/version-gone.ts';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FilterExtension } from '../ports/filter-extension.ts';
import type { Reranker } from '../ports/reranker.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { firstProduct } from './anchors.ts';
import type { AnswerView } from './answer-view.ts';
import { type Place, readCursor } from './cursor.ts';
import { distinct } from './distinct-pictures.ts';
import { type Exploration, explore, inPlaces, NOT_EXPLORING } from './exploration.ts';
import { type FilterInput, isChosenByShopper, toSearchFilter } from './filter.ts';
import { ownConditions } from './own-filters.ts';
import { PageArguments } from './page-arguments.ts';
import type { SeenPicture } from './picture-token.ts';
import { inSearchOrder, inWindows, type PlacedList } from './placed-list.ts';
import { SimilarItem } from './similar-item.ts';

/** Arguments that all lists of similar products have; null or left out: as usual. */
export type PageRequest = z.input<typeof PageArguments> & {
  after?: string | null | undefined;
  filter?: FilterInput | null | undefined;
  /** Parts of the products that the answer shows; left out: all. */
  parts?: Parts;
};
export type Status =
  | 'OK'
  | 'PARTIAL'
  | 'COLD_ITEM'
  | 'ITEM_UNKNOWN'
  | 'MODEL_NOT_READY'
  | 'FALLBACK_CATEGORY'
  | 'FALLBACK_POPULAR';
export type RankedPage = {
  status: Status;
  /** The version that ranked the list; null when none did. */
  modelId: string | null;
  items: SimilarItem[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  /** An answer of some minutes ago: the database is away. */
  stale?: true;
  /** The filter that it was asked for with, which its notices are about. */
  filter?: FilterInput | null | undefined;
};

export type RankingDeps = {
  models: Pick<ModelRepository, 'byId'>;
  signingKey: string;
  filters: readonly FilterExtension[];
  /** Null: lists are in the order of the search. */
  reranker: Reranker | null;
  log: Pick<Log, 'error'>;
  telemetry: Telemetry;
};
type Version = RankingVersion & { modelId: string };
/** Whose list it is. */
type Anchor = {
  /** The product's; of several anchors what stands for them in a cursor. */
  anchorId: string;
  /** Several anchors as one, for whom `anchorId` stands; left out: it is the one product. */
  anchorIds?: readonly string[] | undefined;
  /** A picture that is no product's, for whom `anchorId` stands; ranked by the version that has seen it. */
  seen?: SeenPicture | undefined;
  /** Share of lists that explore, 0 to 0.2, and the number in [0, 1) that decides for this one; null: it does not. */
  exploring: { share: number; draw: number } | null;
};
export type PageSearch = Anchor &
  z.output<typeof PageArguments> & {
    filter: SearchFilter;
    /** The shopper's own filter decides what stands where. */
    filtered: boolean;
    place: Place | null;
    parts: Parts;
  };

/** A page, and facts about it that are signed and not answered. */
export type RankedList = { page: RankedPage; exploration: Exploration; filtered: boolean };

/** A request read, within its bounds. @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID, EXTENSION_FAILED. */
export function searchOf(deps: RankingDeps, anchor: Anchor, request: PageRequest): PageSearch {
  const { after, parts = {} } = request;
  const { anchorId, anchorIds, seen, exploring } = anchor;
  const { first, minScore, diversity, distinctPictures } = checked(PageArguments, request);
  const constraints = toSearchFilter(request.filter);
  const own = ownConditions(deps, request.filter?.own);
  const filter = own.length > 0 ? { ...constraints, own } : constraints;
  const filtered = isChosenByShopper(filter, request.filter);
  const place = after == null ? null : readCursor(deps.signingKey, after, anchorId);
  return {
    anchorId,
    anchorIds,
    seen,
    exploring,
    first,
    minScore,
    diversity,
    distinctPictures,
    filter,
    filtered,
    place,
    parts,
  };
}

/** One page of a ranking. @throws SimiliError CURSOR_RETIRED, EXTENSION_FAILED. */
export async function rankedPage(deps: RankingDeps, search: PageSearch, view: AnswerView): Promise<RankedList> {
  try {
    return await ranked(deps, search, view);
  } catch (error) {
    // Between reading the pointer and reading its table the version was retired: the pointer has moved on since.
    if (!(error instanceof VersionGone)) throw error;
    const pinned = pinnedTo(search);
    if (pinned !== null) throw retired(search, pinned);
    view.forgetServing();
    return ranked(deps, search, view);
  }
}

async function ranked(deps: RankingDeps, search: PageSearch, view: AnswerView): Promise<RankedList> {
  const { anchorId, anchorIds, seen, first, minScore, diversity, distinctPictures, place } = search;
  const serving = await view.serving();
  const pinned = pinnedTo(search);
  const version = pinned === null ? serving : await view.inTime(() => versionOf(deps, search, pinned, serving));
  if (!version)
    return nothing((await firstProduct(view, anchorIds ?? [anchorId])) ? 'MODEL_NOT_READY' : 'ITEM_UNKNOWN');
  const { number } = version;
  const spaces = seen ? version.spaces.slice(0, 1) : version.spaces;
  const filter = await view.spelled(search.filter);
  const { log, telemetry } = deps;
  // It is given the product that a list is for.
  const reranker = seen ? null : deps.reranker;
  const parts = reranker ? {} : search.parts; // it is given whole products, whatever is shown
  const wanted = { version: { number, spaces }, anchorId, anchorIds, vector: seen?.vector, filter, parts };
  const isReordered = reranker !== null || diversity > 0;
  const shown = distinctPictures ? { ...view, nearest: distinct(view) } : view;
  const list = isReordered
    ? await inWindows(shown, { reranker, log, telemetry }, { wanted, first, minScore, diversity, place })
    : await inSearchOrder(shown, { wanted, first, minScore, place });
  if (list.anchor !== 'ranked') return nothing(STATUS[list.anchor]);
  return shownAs(deps, search, version, list);
}

/** The version that a page has to be of: that of the pages before, or the one that has seen the picture. Null: the one that serves. */
const pinnedTo = ({ place, seen }: PageSearch): string | null => place?.modelId ?? seen?.modelId ?? null;

const retired = ({ seen }: PageSearch, model: string): SimiliError =>
  seen ? new SimiliError('PICTURE_TOKEN_EXPIRED') : new SimiliError('CURSOR_RETIRED', { model });

/** A reader who began before a promotion goes on in the version that ranked the first page, while its vectors are kept. */
async function versionOf(
  { models }: RankingDeps,
  search: PageSearch,
  modelId: string,
  serving: ServingPointer | null,
): Promise<Version> {
  if (serving?.modelId === modelId) return serving;
  const model = await models.byId(modelId);
  if (model?.state !== 'STANDBY' && model?.state !== 'ACTIVE') throw retired(search, modelId);
  return { modelId, number: model.number, spaces: spacesOf(model) };
}

const STATUS = { unknown: 'ITEM_UNKNOWN', cold: 'COLD_ITEM' } as const;

function shownAs(
  deps: RankingDeps,
  search: PageSearch,
  { modelId }: Version,
  { items: ranked, hasMore }: PlacedList,
): RankedList {
  const { anchorId, exploring, first, filter, filtered, minScore, distinctPictures, place } = search;
  const offset = place?.position ?? 0;
  const places = { first: offset + 1, count: ranked.length };
  // What stands in a list under a shopper's own filter tells little of places: it stays as it is ranked.
  const exploration = filtered || !exploring ? NOT_EXPLORING : explore(exploring.share, places, exploring.draw);
  const items = inPlaces(ranked, places, exploration).map(({ product, score }, i) => {
    const position = offset + i + 1;
    // A cursor is a place in the ranking, whatever is shown there: the next page goes on behind it.
    const { l2, productId, skip } = ranked[i]!.place;
    const place = { modelId, anchorId, position, l2, productId, skip };
    return new SimilarItem(product, position, score, place, deps.signingKey);
  });
  const isNarrow = Object.keys(filter).length > 0 || minScore > 0 || distinctPictures;
  const isShort = ranked.length < first && offset === 0 && isNarrow;
  const status = isShort ? 'PARTIAL' : 'OK';
  const page: RankedPage = { status, modelId, items, hasNextPage: hasMore, hasPreviousPage: offset > 0 };
  return { page, exploration, filtered };
}

const nothing = (status: Status): RankedList => ({
  page: without(status),
  exploration: NOT_EXPLORING,
  filtered: false,
});

export const without = (status: Status): RankedPage => ({
  status,
  modelId: null,
  items: [],
  hasNextPage: false,
  hasPreviousPage: false,
});
