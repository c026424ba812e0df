import { LRUCache } from 'lru-cache';
import type { Ask } from './ask.ts';
import { embeddingTable } from './embedding-table.ts';
import { type NeighbourLists, PARTS_OF_LIST, type PartOfList } from './neighbour-lists.ts';
import type { Parts } from './product-columns.ts';
import { EFFORTS } from './search-effort.ts';
import {
  byAnchor,
  type Found,
  foundOf,
  LONGEST_PREPARED,
  narrowingOf,
  type RankingVersion,
  type Row,
  scaleOf,
  sizeFor,
} from './search-found.ts';
import { type Search, type SearchFilter, searchStatement } from './search-statement.ts';
import { ofVersion } from './version-gone.ts';

/** How long it is remembered what was not enough for an anchor's page, ms, and of how many pages. */
const REMEMBERED_MS = 3_600_000;
const PAGES_REMEMBERED = 20_000;
/** The same of tables that have no lists. */
const TABLES_REMEMBERED_MS = 60_000;
const TABLES_REMEMBERED = 1000;
/** SQLSTATE of a table that does not say who wrote its vectors: a worker of a version before this one has made it. */
const LACKS_COLUMN = '42703';
/** Under a narrower filter the products that a page needs are beyond those that one round of the fewest candidates surely has. */
const LEAST_SHARE = 0.5;
/** Products of a list's part for one of a page, where a filter passes all of them: fewer pass near some anchors than elsewhere. */
const SPARE = 1.25;
const FOLDED_OR_GONE = PARTS_OF_LIST[0] - sizeFor(1);

/** Pages of one space's version, from the first place on, each anchor's own. */
type Asked = {
  version: RankingVersion;
  anchorIds: readonly string[];
  filter: SearchFilter;
  limit: number;
  parts: Parts;
};
/** An anchor by its place among those asked for. `part`: which of PARTS_OF_LIST its page is made of. */
type Anchor = { id: string; place: number; part: number; list: PartOfList | null };
type Answers = (Found | undefined)[];

/** Pages of anchors by lists of their neighbours, which the first page of an anchor makes (docs/adr/0043-neighbour-lists.md). */
export class PagesByLists {
  /** Parts that pages of an anchor begin with where the usual one was not enough, as groups are folded or more tie; beyond the last one: no list is. */
  private readonly begins = new LRUCache<string, number>({ max: PAGES_REMEMBERED, ttl: REMEMBERED_MS });
  /** Tables of which no list can be kept. */
  private readonly without = new LRUCache<string, true>({ max: TABLES_REMEMBERED, ttl: TABLES_REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    private readonly lists: NeighbourLists,
  ) {}

  /**
   * @param share of the catalog that passes the filter; undefined: it is not known, so no list is asked
   * @param rest answers for the anchors whose list is not enough
   */
  async nearestOfEach(
    asked: Asked,
    share: number | undefined,
    rest: (anchorIds: readonly string[]) => Promise<Found[]>,
  ): Promise<Found[]> {
    const { anchorIds } = asked;
    const table = this.table(asked);
    const usual = usualPart(asked, share);
    if (usual === null || this.without.has(table)) return rest(anchorIds);
    const anchors = anchorIds.map((id, place): Anchor => {
      const part = Math.max(usual, this.begins.get(keyOf(asked, id)) ?? 0);
      return { id, place, part, list: part < PARTS_OF_LIST.length ? this.lists.of(table, id, part) : null };
    });
    const found: Answers = anchorIds.map(() => undefined);
    const kept = anchors.filter(({ list }) => list);
    const unknown = anchors.filter(({ list, part }) => !list && part < PARTS_OF_LIST.length);
    await Promise.all([this.byKept(asked, kept, found), this.byNew(asked, unknown, found)]);
    const open = anchors.filter(({ place }) => !found[place]);
    if (open.length === 0) return found as Found[];
    const searched = await rest(open.map(({ id }) => id));
    for (const [i, { place }] of open.entries()) found[place] = searched[i]!;
    return found as Found[];
  }

  /** Puts into `found` what is whole by lists that were kept. */
  private async byKept(asked: Asked, anchors: readonly Anchor[], found: Answers): Promise<void> {
    const table = this.table(asked);
    const lists = anchors.map(({ list }) => list!);
    const groups = await this.run(asked, anchors, 'listed', { lists }).catch((error: { code?: string }) => {
      if (error.code !== LACKS_COLUMN) throw error;
      this.without.set(table, true);
      return [];
    });
    for (const [i, anchor] of anchors.entries()) {
      const rows = groups[i] ?? [];
      if (!rows[0]?.warm || rows[0].lost) this.lists.forget(table, anchor.id);
      else if (isWhole(rows, asked.limit, anchor.list!.radius))
        found[anchor.place] = { ...this.found(asked, rows), listed: true };
      else this.begins.set(keyOf(asked, anchor.id), nextPart(anchor.part, rows, asked.limit));
    }
  }

  /** Puts into `found` what is whole by lists that are made now, and keeps these. */
  private async byNew(asked: Asked, anchors: readonly Anchor[], found: Answers): Promise<void> {
    const part = Math.max(...anchors.map((anchor) => anchor.part));
    const groups = await this.run(asked, anchors, 'listing', { length: PARTS_OF_LIST[part]! });
    for (const [i, { id, place }] of anchors.entries()) {
      const rows = groups[i]!;
      const [first] = rows;
      if (first?.warm && first.lost) continue;
      if (!first?.warm || isWhole(rows, asked.limit, first.farthest ?? -1)) found[place] = this.found(asked, rows);
      // A catalog that has no more than a list has none.
      else this.begins.set(keyOf(asked, id), first.list ? nextPart(part, rows, asked.limit) : PARTS_OF_LIST.length);
      if (first?.list) this.lists.keep(this.table(asked), id, first.list);
    }
  }

  private table({ version }: Asked): string {
    return embeddingTable(this.catalogId, version.number, version.spaces[0]!.name);
  }

  private found({ limit, version }: Asked, rows: readonly Row[]): Found {
    return foundOf(rows, limit, scaleOf(version.spaces));
  }

  private async run(
    { version, filter, limit, parts }: Asked,
    anchors: readonly Anchor[],
    way: 'listed' | 'listing',
    by: Pick<Search, 'lists' | 'length'>,
  ): Promise<Row[][]> {
    if (anchors.length === 0) return [];
    const search: Search = {
      catalogId: this.catalogId,
      model: version.number,
      spaces: version.spaces,
      anchorIds: anchors.map(({ id }) => id),
      filter,
      limit: sizeFor(limit),
      behind: null,
      effort: EFFORTS[0],
      goesOn: false,
      mostPassing: null,
      parts,
      ...by,
    };
    const { statement, values } = searchStatement(search, way);
    return byAnchor(await ofVersion(this.ask(statement, values)), anchors.length);
  }
}

const keyOf = ({ filter, limit, version }: Asked, anchorId: string): string =>
  `${version.number} ${sizeFor(limit)} ${narrowingOf(filter)} ${anchorId}`;

/** The shortest part that does for most pages; null: none is long enough. */
function usualPart({ filter, limit }: Asked, share: number | undefined): number | null {
  if (!share || share < LEAST_SHARE || limit > LONGEST_PREPARED) return null;
  const all = sizeFor(limit) + FOLDED_OR_GONE + (filter.excludeIds?.length ?? 0);
  const part = partOf(share < 1 ? (all * SPARE) / share : all);
  return part < PARTS_OF_LIST.length ? part : null;
}

/** As many times as long as the page was short, but no more than the longest; beyond that one where it was not enough. */
function nextPart(part: number, rows: readonly Row[], limit: number): number {
  const longest = PARTS_OF_LIST.length - 1;
  const wanted = partOf((PARTS_OF_LIST[part]! * limit) / rows.length);
  return Math.max(part + 1, Math.min(longest, wanted));
}

const partOf = (products: number): number => {
  const part = PARTS_OF_LIST.findIndex((length) => length >= products);
  return part < 0 ? PARTS_OF_LIST.length : part;
};

/** Whether all others are farther than the last of the page. */
const isWhole = (rows: readonly Row[], limit: number, radius: number): boolean => {
  const last = rows[limit - 1];
  return last !== undefined && last.l2 !== null && last.l2 < radius;
};
