import type { Deadline } from '../../deadline.ts';
import type { Ask } from '../sql/ask.ts';
import { embeddingTable } from '../sql/embedding-table.ts';
import { Batches } from './batches.ts';
import type { Breadth } from './breadth.ts';
import { type Found, foundOf, l2At, type Ranking, scaleOf } from './found.ts';
import { type Asked, type Kind, kindOf } from './list-kinds.ts';
import { ListLimits } from './list-limits.ts';
import { ListSearch } from './list-search.ts';
import { nextOf } from './list-sql.ts';
import { type ListKey, type NeighbourLists, PARTS_OF_LIST, type PartOfList } from './neighbour-lists.ts';
import { sizeFor } from './page-sizes.ts';

/** SQLSTATE of a table that does not say who wrote its vectors: a worker of a version before this one has made it. */
const LACKS_COLUMN = '42703';

/** An anchor by its place among those asked for. `part`: which of PARTS_OF_LIST its page is made of. */
type Anchor = { id: string; place: number; part: number; list: PartOfList | null };
type Answers = (Found | undefined)[];
/** Pages that are made of one kind of lists, of one table. */
type Pages = { asked: Asked; kind: Kind; table: string };
/** A page of one anchor, by the list that was kept. */
type KeptPage = { asked: Asked; kind: Kind; id: string; list: PartOfList };

/** Pages of anchors by lists of their neighbours, which the first page of an anchor makes (docs/adr/0043-neighbour-lists.md). */
export class PagesByLists {
  private readonly limits = new ListLimits();
  private readonly search: ListSearch;
  private readonly batches = new Batches<KeptPage, Ranking>((pages, deadline) => this.together(pages, deadline));

  constructor(
    ask: Ask,
    private readonly catalogId: string,
    private readonly lists: NeighbourLists,
    private readonly breadth: Breadth,
  ) {
    this.search = new ListSearch(ask, catalogId, breadth);
  }

  /** @param rest answers for the anchors whose list is not enough */
  async nearestOfEach(asked: Asked, rest: (anchorIds: readonly string[]) => Promise<Found[]>): Promise<Found[]> {
    const { version, anchorIds } = asked;
    const kind = kindOf(asked, this.breadth.share(asked.filter));
    const table = embeddingTable(this.catalogId, version.number, version.spaces[0]!.name);
    if (!kind || !this.limits.mayDo(table, asked, kind)) return rest(anchorIds);
    const found: Answers = anchorIds.map(() => undefined);
    const anchors = await this.byLists({ asked, kind, table }, found);
    const open = anchors.filter(({ place }) => !found[place]);
    if (open.length === 0) return found as Found[];
    const searched = await rest(open.map(({ id }) => id));
    for (const [i, { place }] of open.entries()) found[place] = searched[i]!;
    return found as Found[];
  }

  /** Puts into `found` what is whole by a list. @returns all anchors */
  private async byLists(pages: Pages, found: Answers): Promise<Anchor[]> {
    const { asked, kind } = pages;
    const anchors = asked.anchorIds.map((id, place): Anchor => {
      const part = this.limits.partFor(asked, kind, id);
      return { id, place, part, list: this.keptList(pages, id, part) };
    });
    const kept = anchors.filter(({ list }) => list);
    const unknown = anchors.filter(({ list, part }) => !list && part < PARTS_OF_LIST.length);
    await Promise.all([this.byKept(pages, kept, found), this.byNew(pages, unknown, found)]);
    return anchors;
  }

  /** Puts into `found` what is whole by lists that were kept. */
  private async byKept(pages: Pages, anchors: readonly Anchor[], found: Answers): Promise<void> {
    if (anchors.length === 0) return;
    const { asked, kind, table } = pages;
    const rankings = await this.rankingsByKept(pages, anchors).catch((error: { code?: string }) => {
      if (error.code !== LACKS_COLUMN) throw error;
      this.limits.foundWithout(table);
      return [];
    });
    if (rankings[0]?.old) return this.forgetOldest(pages, anchors);
    for (const [i, { id, place, part, list }] of anchors.entries()) {
      const ranking = rankings[i];
      if (!ranking?.warm || ranking.lost) this.lists.forget(keyOf(pages, id));
      else if (isWhole(ranking, asked.limit, list!.radius)) found[place] = { ...answer(asked, ranking), listed: true };
      else this.limits.cameShort(asked, kind, id, part, ranking);
    }
  }

  /** One page may be asked with those of other requests. */
  private async rankingsByKept({ asked, kind, table }: Pages, anchors: readonly Anchor[]): Promise<Ranking[]> {
    const { deadline, filter, limit, parts } = asked;
    const lists = anchors.map(({ list }) => list!);
    if (anchors.length > 1 || !deadline) return this.search.byKept(asked, kind, idsOf(anchors), lists);
    const alike = JSON.stringify([table, kind.filed, filter, sizeFor(limit), parts]);
    return [await this.batches.ask(alike, { asked, kind, id: anchors[0]!.id, list: lists[0]! }, deadline)];
  }

  /** Pages of one table, alike in all but their anchor. Where the oldest of their lists is too old, each is asked by itself. */
  private async together(pages: readonly KeptPage[], deadline: Deadline): Promise<Ranking[]> {
    const [{ asked, kind }] = pages as [KeptPage];
    const ids = pages.map(({ id }) => id);
    const lists = pages.map(({ list }) => list);
    const rankings = await this.search.byKept({ ...asked, deadline }, kind, ids, lists);
    if (pages.length === 1 || !rankings[0]!.old) return rankings;
    return (await Promise.all(pages.map((page) => this.together([page], deadline)))).flat();
  }

  /** The oldest of these lists is too old; the others were not asked for themselves. */
  private forgetOldest(pages: Pages, anchors: readonly Anchor[]): void {
    const { kind, table } = pages;
    const age = ({ list }: Anchor) => nextOf(list!.snapshot);
    const oldest = anchors.reduce((one, other) => (age(other) < age(one) ? other : one));
    this.limits.foundTooOld(table, kind, oldest.list!);
    for (const one of anchors) if (age(one) <= age(oldest)) this.lists.forget(keyOf(pages, one.id));
  }

  /** Puts into `found` what is whole by lists that are made now, and keeps these. */
  private async byNew(pages: Pages, anchors: readonly Anchor[], found: Answers): Promise<void> {
    if (anchors.length === 0) return;
    const { asked, kind } = pages;
    const part = Math.max(...anchors.map((anchor) => anchor.part));
    const rankings = await this.search.byNew(asked, kind, idsOf(anchors), PARTS_OF_LIST[part]!);
    for (const [i, { id, place }] of anchors.entries()) {
      const ranking = rankings[i]!;
      const { warm, lost, farthest } = ranking;
      if (warm && lost) continue;
      const list = ranking.list ? this.keep(pages, id, ranking.list, part) : null;
      // Without a list, as the index gave too few, the page may still be nearer than all else that it gave.
      const radius = list?.radius ?? farthest ?? -1;
      if (!warm || isWhole(ranking, asked.limit, radius)) found[place] = answer(asked, ranking);
      else this.limits.cameShortByNew(asked, kind, id, part, ranking);
    }
  }

  private keep(pages: Pages, anchorId: string, list: string, part: number): PartOfList | null {
    const key = keyOf(pages, anchorId);
    this.lists.keep(key, list);
    return this.lists.of(key, part);
  }

  /** Those that are known to be too old are none: so no page asks for one in vain. */
  private keptList(pages: Pages, anchorId: string, part: number): PartOfList | null {
    if (part === PARTS_OF_LIST.length) return null;
    const list = this.lists.of(keyOf(pages, anchorId), part);
    return list && this.limits.isYoungEnough(pages.table, pages.kind, list) ? list : null;
  }
}

const keyOf = ({ kind: { filed }, table }: Pages, productId: string): ListKey => ({ table, productId, filed });

const idsOf = (anchors: readonly Anchor[]): string[] => anchors.map(({ id }) => id);

const answer = ({ limit, parts, version }: Asked, ranking: Ranking): Found =>
  foundOf(ranking, limit, parts, scaleOf(version.spaces));

/** Whether all others are farther than the last of the page, or there are none. */
function isWhole(ranking: Ranking, limit: number, radius: number): boolean {
  if (radius === Number.POSITIVE_INFINITY) return true;
  const last = l2At(ranking, limit);
  return last !== undefined && last < radius;
}
