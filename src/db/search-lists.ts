import { LRUCache } from 'lru-cache';
import { whoeverLeaves } from '../deadline.ts';
import type { Ask } from './ask.ts';
import { embeddingTable } from './embedding-table.ts';
import { LISTED, type NeighbourList, type NeighbourLists, PARTS_OF_LIST, type PartOfList } from './neighbour-lists.ts';
import type { Parts } from './product-columns.ts';
import {
  byAnchor,
  type Found,
  foundOf,
  narrowingOf,
  type RankingVersion,
  type Row,
  scaleOf,
  sizeFor,
} from './search-found.ts';
import { listStatement } from './search-listed.ts';
import { type SearchFilter, searchStatement } from './search-statement.ts';
import { ofVersion } from './version-gone.ts';

/** How long it is remembered that a part of a list left a filter's pages short, ms, and of how many filters. */
const REMEMBERED_MS = 60_000;
const FILTERS_REMEMBERED = 1000;
/** Products of a list's part for one of a page, where a filter passes all of them: fewer pass near some anchors than elsewhere. */
const SPARE = 1.25;

/** Pages of one space's version, from the first place on, each anchor's own. */
type Asked = {
  version: RankingVersion;
  anchorIds: readonly string[];
  filter: SearchFilter;
  limit: number;
  parts: Parts;
};

/** Pages of anchors that have a list of neighbours, without a search (docs/adr/0043-neighbour-lists.md). */
export class PagesByLists {
  /** Which part the pages of a filter begin with, where it is not the shortest that may do. */
  private readonly longer = new LRUCache<string, number>({ max: FILTERS_REMEMBERED, ttl: REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    private readonly lists: NeighbourLists,
  ) {}

  /**
   * @param share of the catalog that passes the filter; undefined: it is not known, so nothing is tried
   * @param rest answers for the anchors that have none, or whose list is not enough
   */
  async nearestOfEach(
    asked: Asked,
    share: number | undefined,
    rest: (anchorIds: readonly string[]) => Promise<Found[]>,
  ): Promise<Found[]> {
    const { anchorIds, version } = asked;
    const part = this.partOf(asked, share);
    if (part === null) return rest(anchorIds);
    const found = await this.byLists(asked, part);
    const open = anchorIds.flatMap((id, place) => (found[place] ? [] : [{ id, place }]));
    if (open.length === 0) return found as Found[];
    const searched = await rest(open.map(({ id }) => id));
    for (const [i, { id, place }] of open.entries()) {
      found[place] = searched[i]!;
      if (searched[i]!.anchor === 'ranked') this.lists.missed(this.table(version), id, () => this.make(version, id));
    }
    return found as Found[];
  }

  private table({ number, spaces }: RankingVersion): string {
    return embeddingTable(this.catalogId, number, spaces[0]!.name);
  }

  /** @returns null: none is long enough */
  private partOf(asked: Asked, share: number | undefined): number | null {
    if (!share) return null;
    const size = sizeFor(asked.limit);
    const wanted =
      (size + PARTS_OF_LIST[0] - sizeFor(1) + (asked.filter.excludeIds?.length ?? 0)) * (share < 1 ? SPARE / share : 1);
    const shortest = PARTS_OF_LIST.findIndex((length) => length >= wanted);
    if (shortest < 0) return null;
    const part = Math.max(shortest, this.longer.get(keyOf(asked)) ?? 0);
    return part < PARTS_OF_LIST.length ? part : null;
  }

  /** @returns null for each anchor that has no list, or one that is not enough */
  private async byLists(asked: Asked, part: number): Promise<(Found | null)[]> {
    const { version, anchorIds, filter, limit, parts } = asked;
    const table = this.table(version);
    const listed = anchorIds.flatMap((id, place) => {
      const list = this.lists.of(table, id, part);
      return list ? [{ id, place, list }] : [];
    });
    const found: (Found | null)[] = anchorIds.map(() => null);
    if (listed.length === 0) return found;
    const { statement, values } = searchStatement(
      {
        catalogId: this.catalogId,
        model: version.number,
        spaces: version.spaces,
        anchorIds: listed.map(({ id }) => id),
        filter,
        limit: sizeFor(limit),
        behind: null,
        effort: 0,
        goesOn: false,
        mostPassing: null,
        lists: listed.map(({ list }) => list),
        parts,
      },
      'listed',
    );
    const groups = byAnchor(await ofVersion(this.ask(statement, values)), listed.length);
    for (const [i, { id, place, list }] of listed.entries()) {
      const rows = groups[i]!;
      if (isOver(rows)) this.lists.forget(table, id);
      else if (isWhole(rows, limit, list))
        found[place] = { ...foundOf(rows, limit, scaleOf(version.spaces)), listed: true };
      else this.longer.set(keyOf(asked), part + 1);
    }
    return found;
  }

  private async make(version: RankingVersion, productId: string): Promise<NeighbourList | null> {
    const { statement, values } = listStatement(this.catalogId, version.number, version.spaces[0]!, productId);
    const rows = await whoeverLeaves(() => this.ask(statement, values));
    const others = rows.filter(({ id }) => id !== productId).slice(0, LISTED);
    const isLost = others.length === rows.length && rows[0]?.l2 !== 0; // as a page is (docs/adr/0041-lost-anchors.md)
    if (isLost || others.length < LISTED) return null;
    return { ids: others.map(({ id }) => id), l2: others.map(({ l2 }) => l2), snapshot: rows[0]!.snapshot };
  }
}

const keyOf = ({ filter, limit }: Asked): string => `${sizeFor(limit)} ${narrowingOf(filter)}`;

/** Whether the list says nothing any more, or its anchor is none. */
const isOver = ([first]: readonly Row[]): boolean => !first?.warm || (first.lost ?? false);

/** Whether all others are farther than the last of the page. */
const isWhole = (rows: readonly Row[], limit: number, { radius }: PartOfList): boolean => {
  const last = rows[limit - 1];
  return last !== undefined && last.l2 !== null && last.l2 < radius;
};
