import { LRUCache } from 'lru-cache';
import { type Deadline, during } from '../../deadline.ts';
import type { VersionSpace } from '../../ports/space.ts';
import type { Ask } from '../sql/ask.ts';
import { embeddingTable, indexOf } from '../sql/embedding-table.ts';
import { bool } from '../sql/row.ts';
import { ofVersion } from '../sql/version-gone.ts';
import { Breadth } from './breadth.ts';
import { EFFORTS_OF_LOST, effortOf, isTooFewOfBinary } from './effort.ts';
import {
  countOf,
  type Found,
  foundOf,
  type How,
  l2At,
  NOTHING,
  narrowingOf,
  type Ranking,
  type RankingVersion,
  scaleOf,
} from './found.ts';
import { LOOKS } from './fused.ts';
import { PagesByLists } from './lists.ts';
import { searchedSpaces } from './many-lists.ts';
import type { NeighbourLists } from './neighbour-lists.ts';
import { TIES } from './one.ts';
import { sizeFor } from './page-sizes.ts';
import type { Behind, Way } from './parts.ts';
import { type Search, type SearchFilter, searchStatement } from './statement.ts';

export type { Found, How, Neighbour, RankingVersion } from './found.ts';

/** How long it is remembered what pages of a filter need, and whether tables have an index, ms. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 1000;

/** Products of a page, with those that are looked at beside it and those left out, up to which the first round of a scan is enough: it has 90 and more that pass. */
const MOST_OF_ONE_ROUND = 60;

const HAS_INDEX = {
  name: 'simili has index',
  text: 'SELECT to_regclass($1::text) IS NOT NULL AS has',
  row: { has: bool },
};

/** The search itself: one statement a page, with the products of the page in it. */
export class SearchRepository {
  /** Whether tables have their index, which is asked again after a minute. */
  private readonly indexed = new LRUCache<string, boolean>({ max: REMEMBERED, ttl: REMEMBERED_MS });
  /** Filters under which one round of a scan left a page short, by groups that are folded or because fewer pass where the anchor is. */
  private readonly short = new LRUCache<string, true>({ max: REMEMBERED, ttl: REMEMBERED_MS });
  private readonly breadth: Breadth;
  private readonly byLists: PagesByLists | null;

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    /** As for `Breadth`, both. */
    mostPassing: number | null = null,
    private readonly mayLackIndex = false,
    /** Null: every page is searched for. */
    lists: NeighbourLists | null = null,
  ) {
    this.breadth = new Breadth(ask, catalogId, mostPassing, mayLackIndex);
    this.byLists = lists && new PagesByLists(ask, catalogId, lists, this.breadth);
  }

  /**
   * Ranks, for each anchor, the `limit` products nearest to it, best first, itself left out; of equal distances the lower
   * id. Filters hold inside the search. A page is short only when no more products pass.
   * @param version number and spaces of it
   * @param behind only what ranks after this place: what is deleted or added before it moves nothing.
   * @throws VersionGone
   */
  nearestOfEach(
    version: RankingVersion,
    anchorIds: readonly string[],
    filter: SearchFilter,
    limit: number,
    behind: Behind | null = null,
    how: How = {},
  ): Promise<Found[]> {
    const search = (ids: readonly string[]) =>
      this.nearest(
        version,
        ids.map((id) => [id]),
        { asOne: false, filter, limit, behind },
        how,
      );
    if (!this.byLists || behind || how.way || version.spaces.length > 1) return search(anchorIds);
    const { parts = {}, deadline = null } = how;
    return this.byLists.nearestOfEach({ version, anchorIds, filter, limit, parts, deadline }, search);
  }

  /**
   * The same for several anchors as one: what is nearest to their mean, which ranks as the mean of the squared distances to each does.
   * None of them is in the list, nor a variant of one. Those that are no product, or have no vector, do not count.
   */
  async nearestOfAll(
    version: RankingVersion,
    anchorIds: readonly string[],
    { excludeIds = [], ...rest }: SearchFilter,
    limit: number,
    behind: Behind | null = null,
    how: How = {},
  ): Promise<Found> {
    const filter = { ...rest, excludeIds: [...excludeIds, ...anchorIds] };
    const [found] = await this.nearest(version, [anchorIds], { asOne: true, filter, limit, behind }, how);
    return found!;
  }

  /**
   * The same for a vector that is no product's, in the first space of the version.
   * @param vector of unit length, as long as that space has it
   */
  async nearestToVector(
    { number, spaces: [space] }: RankingVersion,
    vector: Float32Array,
    filter: SearchFilter,
    limit: number,
    behind: Behind | null = null,
    how: How = {},
  ): Promise<Found> {
    const version = { number, spaces: [space!] };
    const [found] = await this.nearest(version, [[]], { asOne: true, vector, filter, limit, behind }, how);
    return found!;
  }

  /** @param anchors of each list */
  private async nearest(
    version: RankingVersion,
    anchors: readonly (readonly string[])[],
    { asOne, vector, filter, limit, behind }: Pick<Search, 'asOne' | 'vector' | 'filter' | 'limit' | 'behind'>,
    { way: only, parts = {}, deadline = null }: How,
  ): Promise<Found[]> {
    const { number } = version;
    const spaces = searchedSpaces(version.spaces, anchors.length);
    const size = sizeFor(limit);
    const { catalogId, breadth } = this;
    const narrowing = narrowingOf(filter);
    const within = only ? null : await breadth.within(version, filter, anchors.length, deadline);
    const mostPassing = breadth.most(within);
    const searchFor = (anchorIds: readonly string[], effort: number, goesOn: boolean): Search => ({
      catalogId,
      model: number,
      spaces,
      anchorIds,
      asOne: asOne ?? false,
      vector,
      filter,
      limit: size,
      behind,
      effort,
      goesOn,
      mostPassing,
      within,
      parts,
    });
    const scale = scaleOf(spaces);
    const isFused = spaces.length > 1;
    const found: Found[] = [];
    let open = anchors.map((ids, place) => ({ ids, place }));
    let isShort = false;
    const wider = EFFORTS_OF_LOST.values();
    let least = 0;
    let share = breadth.share(filter);
    const mayBeFew = share === undefined && (isFused || narrowing !== NOTHING);
    const mayBeOneRound = !isFused && !behind && size + (filter.excludeIds?.length ?? 0) < MOST_OF_ONE_ROUND;
    const lacksIndex = !isFused && this.mayLackIndex && !(await this.hasIndex(number, spaces[0]!, deadline));
    for (const way of only ? [only] : waysTo(isFused, mayBeFew, lacksIndex)) {
      if (isShort && way !== 'exact') continue; // looking farther brings no more of what the index gave all of
      const anchorIds = open.flatMap(({ ids }) => ids);
      const effort = Math.max(effortOf(share, within, spaces), least);
      const isTooFew = isTooFewOfBinary(effort, share, within, spaces);
      const goesOn = !mayBeOneRound || way !== TIES[0] || isTooFew || this.short.has(narrowing);
      const rankings = await this.run(searchFor(anchorIds, effort, goesOn), way, deadline);
      if (rankings[0]?.many) {
        share = await breadth.learn(version, filter, within, deadline);
        continue;
      }
      open = open.filter(({ place }, i) => {
        const ranking = rankings[i]!;
        if (!isWhole(ranking, { limit, size, way, isFused, goesOn })) {
          const lacks = countOf(ranking) < limit;
          isShort ||= lacks && goesOn;
          if (lacks && !goesOn) this.short.set(narrowing, true);
          return true;
        }
        found[place] = foundOf(ranking, limit, parts, scale);
        return false;
      });
      if (rankings.some(({ lost }) => lost)) least = wider.next().value ?? least;
      if (open.length === 0) break;
    }
    return found;
  }

  private async hasIndex(model: number, { name }: VersionSpace, deadline: Deadline | null): Promise<boolean> {
    const table = embeddingTable(this.catalogId, model, name);
    const known = this.indexed.get(table);
    if (known !== undefined) return known;
    const [found] = await during(deadline, () => this.ask(HAS_INDEX, [indexOf(table)]));
    this.indexed.set(table, found!.has);
    return found!.has;
  }

  private run(search: Search, way: Way, deadline: Deadline | null): Promise<Ranking[]> {
    const { statement, values } = searchStatement(search, way);
    return ofVersion(during(deadline, () => this.ask(statement, values)));
  }
}

/**
 * The index is asked first, unless few may pass; where it gives a short page, or cuts a group of equal distances, the exact scan has the
 * last word. Of several spaces a small catalog is ranked one by one, filter or not: that is exact, and no slower than several indexes. So is
 * one whose table lacks its index.
 */
const waysTo = (isFused: boolean, mayBeFew: boolean, lacksIndex: boolean): Way[] => [
  ...(mayBeFew ? (['passing'] as const) : []),
  ...(lacksIndex ? [] : isFused ? LOOKS : TIES),
  'exact',
];

type Asked = { limit: number; size: number; way: Way; isFused: boolean; goesOn: boolean };

/** Whether the first `limit` are the nearest, and not only what the index happened to see. */
function isWhole(ranking: Ranking, asked: Asked): boolean {
  const { limit, size, way, isFused, goesOn } = asked;
  const { warm, lost, looked, farthest } = ranking;
  if (typeof way === 'string' || !warm) return true;
  if (lost) return false;
  const last = l2At(ranking, limit);
  if (isFused) return isWholeOfSpaces(ranking, last, { ...asked, way });
  // The farthest product that was looked at is at the distance of the last one shown: others may tie with it, unseen. Fewer than were wanted are all there
  // are; one more there is where the anchor's own place went to another that looks the same.
  const areAll = goesOn && (looked ?? 0) < size + way;
  return last !== undefined && (areAll || last !== farthest);
}

/** The widest look is taken as it is: beyond it an index is no more exact than that. A page that it leaves short is not. */
function isWholeOfSpaces(
  { farthest, looked }: Ranking,
  last: number | undefined,
  { size, way }: Asked & { way: number },
): boolean {
  if (farthest === Number.POSITIVE_INFINITY) return true;
  if (last === undefined) return false;
  return last < (farthest ?? 0) || (way === LOOKS.at(-1) && looked! >= size + way);
}
