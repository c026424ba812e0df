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

/** How long it is remembered that a part of a list left a filter's pages short, ms, and of how many filters. */
const REMEMBERED_MS = 60_000;
const FILTERS_REMEMBERED = 1000;
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
/** An anchor by its place among those asked for, with its list. */
type Anchor = { id: string; place: number; list: PartOfList | null };

/** Pages of anchors by lists of their neighbours, which the first page of an anchor makes (docs/adr/0043-neighbour-lists.md). */
export class PagesByLists {
  /** Which part the pages of a filter begin with, where it is not the shortest that may do. */
  private readonly longer = new LRUCache<string, number>({ max: FILTERS_REMEMBERED, ttl: REMEMBERED_MS });

  /** Tables of which no list can be kept. */
  private readonly without = new LRUCache<string, true>({ max: FILTERS_REMEMBERED, ttl: REMEMBERED_MS });

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
    const { anchorIds, version } = asked;
    const table = embeddingTable(this.catalogId, version.number, version.spaces[0]!.name);
    const part = this.partOf(asked, share);
    if (part === null || this.without.has(table)) return rest(anchorIds);
    const anchors = anchorIds.map((id, place): Anchor => ({ id, place, list: this.lists.of(table, id, part) }));
    const found: (Found | undefined)[] = anchorIds.map(() => undefined);
    await Promise.all([
      this.byKept(
        asked,
        table,
        part,
        anchors.filter(({ list }) => list),
        found,
      ),
      this.byNew(
        asked,
        table,
        part,
        anchors.filter(({ list }) => !list),
        found,
      ),
    ]);
    const open = anchors.filter(({ place }) => !found[place]);
    if (open.length === 0) return found as Found[];
    const searched = await rest(open.map(({ id }) => id));
    for (const [i, { place }] of open.entries()) found[place] = searched[i]!;
    return found as Found[];
  }

  /** @returns null: none is long enough */
  private partOf({ filter, limit, ...asked }: Asked, share: number | undefined): number | null {
    if (!share || share < LEAST_SHARE || limit > LONGEST_PREPARED) return null;
    const all = sizeFor(limit) + FOLDED_OR_GONE + (filter.excludeIds?.length ?? 0);
    const wanted = share < 1 ? (all * SPARE) / share : all;
    const shortest = PARTS_OF_LIST.findIndex((length) => length >= wanted);
    if (shortest < 0) return null;
    const part = Math.max(shortest, this.longer.get(keyOf({ filter, limit, ...asked })) ?? 0);
    return part < PARTS_OF_LIST.length ? part : null;
  }

  /** Puts into `found` what is whole by lists that were kept. */
  private async byKept(
    asked: Asked,
    table: string,
    part: number,
    anchors: readonly Anchor[],
    found: (Found | undefined)[],
  ) {
    const lists = anchors.map(({ list }) => list!);
    const groups = await this.run(asked, anchors, 'listed', { lists }).catch((error: { code?: string }) => {
      if (error.code !== LACKS_COLUMN) throw error;
      this.without.set(table, true);
      return [];
    });
    for (const [i, { id, place, list }] of anchors.entries()) {
      const rows = groups[i] ?? [];
      if (!rows[0]?.warm || rows[0].lost) this.lists.forget(table, id);
      else if (isWhole(rows, asked.limit, list!.radius)) found[place] = { ...this.found(asked, rows), listed: true };
      else this.longer.set(keyOf(asked), part + 1);
    }
  }

  /** Puts into `found` what is whole by lists that are made now, and keeps these. */
  private async byNew(
    asked: Asked,
    table: string,
    part: number,
    anchors: readonly Anchor[],
    found: (Found | undefined)[],
  ) {
    const groups = await this.run(asked, anchors, 'listing', { length: PARTS_OF_LIST[part]! });
    for (const [i, { id, place }] of anchors.entries()) {
      const rows = groups[i]!;
      const [first] = rows;
      if (!first?.warm) found[place] = this.found(asked, rows);
      else if (first.lost) continue;
      else if (isWhole(rows, asked.limit, first.farthest ?? -1)) found[place] = this.found(asked, rows);
      else this.longer.set(keyOf(asked), first.list === null ? PARTS_OF_LIST.length : part + 1); // a catalog that has no more than a list
      if (first?.list && !first.lost) this.lists.keep(table, id, first.list);
    }
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

const keyOf = ({ filter, limit, version }: Asked): string =>
  `${version.number} ${sizeFor(limit)} ${narrowingOf(filter)}`;

/** Whether all others are farther than the last of the page. */
const isWhole = (rows: readonly Row[], limit: number, radius: number): boolean => {
  const last = rows[limit - 1];
  return last !== undefined && last.l2 !== null && last.l2 < radius;
};
