import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Ask } from '../sql/ask.ts';
import { embeddingTable } from '../sql/embedding-table.ts';
import type { Parts } from '../sql/product-columns.ts';
import { ofVersion } from '../sql/version-gone.ts';
import type { Breadth } from './breadth.ts';
import { effortOf, isSure, thoroughWithin } from './effort.ts';
import { asksForStock, filedPart, isMostlyFiled } from './filed.ts';
import {
  byAnchor,
  type Found,
  foundOf,
  LONGEST_PREPARED,
  NOTHING,
  narrowingOf,
  type RankingVersion,
  type Row,
  scaleOf,
  sizeFor,
} from './found.ts';
import { nextOf } from './listed.ts';
import { type ListKey, type NeighbourLists, PARTS_OF_LIST, type PartOfList } from './neighbour-lists.ts';
import type { ListWay } from './parts.ts';
import { type Search, type SearchFilter, searchStatement } from './statement.ts';

/** How long it is remembered what was not enough for an anchor's page, ms, and of how many pages. */
const REMEMBERED_MS = 3_600_000;
const PAGES_REMEMBERED = 20_000;
/** The same of tables: that they have no lists, or none from before some time. */
const TABLES_REMEMBERED_MS = 60_000;
const TABLES_REMEMBERED = 1000;
/** SQLSTATE of a table that does not say who wrote its vectors: a worker of a version before this one has made it. */
const LACKS_COLUMN = '42703';
/** Under a narrower filter the products that a page needs are beyond those of a list of all: it has lists of its own, or none. */
const LEAST_SHARE = 0.5;
/** Products of a list's part for one of a page, where a filter passes all of them: fewer pass near some anchors than elsewhere. */
const SPARE = 1.25;
/** The share that is taken to be in stock of what is filed where a filter asks. */
const IN_STOCK = 0.8;
/** Products of one request whose lists are made anew by thorough searches, of 40 ms each: the others' turn comes with their next page. */
const MOST_THOROUGH = 4;
/** How long it is remembered that of what is filed there too few are, ms. */
const SOLD_OUT_MS = 60_000;
const SOLD_OUT_REMEMBERED = 1000;
/** Letters of the digest of a filter that lists are of: no two filters have the same. */
const LETTERS = 20;
/** Products of a list's part beyond those of the shortest page, for variants that are folded and products that are gone. */
const FOLDED_OR_GONE = PARTS_OF_LIST[0] - sizeFor(1);

/** Pages of one space's version, from the first place on, each anchor's own. */
type Asked = {
  version: RankingVersion;
  anchorIds: readonly string[];
  filter: SearchFilter;
  limit: number;
  parts: Parts;
};
/** The lists that a page is made of, by what they are of: a filter, `filed` for short, empty: all. `usual`: the part that does for most pages. */
type Kind = { listsOf: SearchFilter; filed: string; usual: number };
/** An anchor by its place among those asked for. `part`: which of PARTS_OF_LIST its page is made of. */
type Anchor = { id: string; place: number; part: number; list: PartOfList | null };
type Answers = (Found | undefined)[];
type Made = { groups: Row[][]; isRough: boolean };
type New = Pick<Search, 'length' | 'within' | 'effort' | 'goesOn' | 'mostPassing'>;

/** Pages of anchors by lists of their neighbours, which the first page of an anchor makes (docs/adr/0043-neighbour-lists.md). */
export class PagesByLists {
  /** Parts that pages of an anchor begin with where the usual one was not enough, as groups are folded or more tie; beyond the last one: no list is. */
  private readonly begins = new LRUCache<string, number>({ max: PAGES_REMEMBERED, ttl: REMEMBERED_MS });
  /** Filters by whose lists of what is filed a page came short, as little of it is in stock: no more are made. */
  private readonly soldOut = new LRUCache<string, true>({ max: SOLD_OUT_REMEMBERED, ttl: SOLD_OUT_MS });
  /** The youngest list of a table that too much was written since, as the transaction that was to come when it was made: older ones are not asked for. */
  private readonly tooOld = new LRUCache<string, number>({ max: TABLES_REMEMBERED, ttl: TABLES_REMEMBERED_MS });
  /** Tables of which no list can be kept. */
  private readonly without = new LRUCache<string, true>({ max: TABLES_REMEMBERED, ttl: TABLES_REMEMBERED_MS });

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    private readonly lists: NeighbourLists,
    private readonly breadth: Breadth,
  ) {}

  /** @param rest answers for the anchors whose list is not enough */
  async nearestOfEach(asked: Asked, rest: (anchorIds: readonly string[]) => Promise<Found[]>): Promise<Found[]> {
    const { anchorIds } = asked;
    const kind = this.without.has(this.table(asked)) ? null : this.kindOf(asked);
    if (!kind) return rest(anchorIds);
    const anchors = anchorIds.map((id, place): Anchor => {
      const part = Math.max(kind.usual, this.begins.get(nameOfPage(asked, kind, id)) ?? 0);
      return {
        id,
        place,
        part,
        list: part < PARTS_OF_LIST.length ? this.keptList(asked, kind, id, part) : null,
      };
    });
    const found: Answers = anchorIds.map(() => undefined);
    // Where lists grow old before they are asked for twice, none is worth a thorough search: the rough ones do.
    const isWorthIt = !this.tooOld.has(this.ageKey(asked, kind));
    const isKept = ({ list }: Anchor) => list && !(list.isRough && isWorthIt);
    const kept = anchors.filter(isKept);
    const rough = anchors.filter((one) => one.list && !isKept(one)).slice(0, MOST_THOROUGH);
    const unknown = anchors.filter((one) => !isKept(one) && !rough.includes(one) && one.part < PARTS_OF_LIST.length);
    await Promise.all([
      this.byKept(asked, kind, kept, found),
      this.byNew(asked, kind, rough, found, true),
      this.byNew(asked, kind, unknown, found, false),
    ]);
    const open = anchors.filter(({ place }) => !found[place]);
    if (open.length === 0) return found as Found[];
    const searched = await rest(open.map(({ id }) => id));
    for (const [i, { place }] of open.entries()) found[place] = searched[i]!;
    return found as Found[];
  }

  /** Puts into `found` what is whole by lists that were kept. */
  private async byKept(asked: Asked, kind: Kind, anchors: readonly Anchor[], found: Answers): Promise<void> {
    const lists = anchors.map(({ list }) => list!);
    const groups = await this.run(asked, kind, anchors, 'listed', { lists }).catch((error: { code?: string }) => {
      if (error.code !== LACKS_COLUMN) throw error;
      this.without.set(this.table(asked), true);
      return [];
    });
    if (groups[0]?.[0]?.old) return this.forgetOldest(asked, kind, anchors);
    for (const [i, anchor] of anchors.entries()) {
      const rows = groups[i] ?? [];
      if (!rows[0]?.warm || rows[0].lost) this.lists.forget(this.key(asked, kind, anchor.id));
      else if (isWhole(rows, asked.limit, anchor.list!.radius))
        found[anchor.place] = { ...this.found(asked, rows), listed: true };
      else this.begins.set(nameOfPage(asked, kind, anchor.id), nextPart(anchor.part, rows, asked.limit));
    }
  }

  /** The oldest of these lists is too old; the others were not asked for themselves. */
  private forgetOldest(asked: Asked, kind: Kind, anchors: readonly Anchor[]): void {
    const key = this.ageKey(asked, kind);
    const oldest = Math.min(...anchors.map(({ list }) => nextOf(list!.snapshot)));
    this.tooOld.set(key, Math.max(oldest, this.tooOld.get(key) ?? oldest));
    for (const { id, list } of anchors)
      if (nextOf(list!.snapshot) <= oldest) this.lists.forget(this.key(asked, kind, id));
  }

  /**
   * Puts into `found` what is whole by lists that are made now, and keeps these.
   * @param isThorough whether it looks as far as it takes to be sure: a page that is asked for again is worth it
   */
  private async byNew(
    asked: Asked,
    kind: Kind,
    anchors: readonly Anchor[],
    found: Answers,
    isThorough: boolean,
  ): Promise<void> {
    if (anchors.length === 0) return;
    const part = Math.max(...anchors.map((anchor) => anchor.part));
    // One that takes too long is not begun again at once: the next page of the product is a first one.
    if (isThorough) for (const { id } of anchors) this.lists.forget(this.key(asked, kind, id));
    const { groups, isRough } = await this.made(asked, kind, anchors, PARTS_OF_LIST[part]!, isThorough);
    for (const [i, { id, place }] of anchors.entries()) {
      const rows = groups[i]!;
      const [first] = rows;
      if (first?.warm && first.lost) continue;
      const key = this.key(asked, kind, id);
      if (first?.list) this.lists.keep(key, first.list, { isRough });
      const list = first?.list ? this.lists.of(key, part) : null;
      // Without a list, as the index gave too few, the page may still be nearer than all else that it gave.
      const radius = list?.radius ?? first?.farthest ?? -1;
      if (!first?.warm || isWhole(rows, asked.limit, radius)) found[place] = this.found(asked, rows);
      else this.cameShort(asked, kind, id, part, rows);
    }
  }

  /** Remembers that a page came short by its new list: of this anchor, and of the filter where little of it is in stock. */
  private cameShort(asked: Asked, kind: Kind, id: string, part: number, rows: readonly Row[]): void {
    // A catalog that has no more than a list has none.
    const isKept = rows[0]!.list !== null;
    this.begins.set(nameOfPage(asked, kind, id), isKept ? nextPart(part, rows, asked.limit) : PARTS_OF_LIST.length);
    const shown = rows.filter(({ l2 }) => l2 !== null).length;
    if (kind.filed !== '' && asksForStock(asked.filter) && isKept && shown < asked.limit / 2)
      this.soldOut.set(digestOf(narrowingOf(asked.filter)), true);
  }

  /** Searches as pages without a list do: for what few pass one by one, then by the index that suits how many do. */
  private async made(
    asked: Asked,
    kind: Kind,
    anchors: readonly Anchor[],
    length: number,
    isThorough: boolean,
  ): Promise<Made> {
    const { breadth } = this;
    const { listsOf } = kind;
    if (kind.filed === '')
      return { groups: await this.run(asked, kind, anchors, 'listing', { length }), isRough: false };
    const within = await breadth.within(asked.version, listsOf);
    let share = breadth.share(listsOf);
    if (share === undefined) {
      const mostPassing = breadth.most(within);
      const groups = await this.run(asked, kind, anchors, 'listing passing', { length, mostPassing });
      if (!groups[0]?.[0]?.many) return { groups, isRough: false };
      share = await breadth.learn(listsOf, within);
    }
    const thorough = within && thoroughWithin(share / within.share, within);
    const usual = { within, effort: effortOf(share, within) };
    const by = isThorough ? (thorough ?? usual) : usual;
    const goesOn = !within && !isSure(usual.effort, share);
    const groups = await this.run(asked, kind, anchors, 'listing', { length, goesOn, ...by });
    return { groups, isRough: !isThorough && thorough !== null };
  }

  /** @returns null: no list that is kept has what such pages need */
  private kindOf(asked: Asked): Kind | null {
    const { filter } = asked;
    const share = narrowingOf(filter) === NOTHING ? 1 : this.breadth.share(filter);
    if (share !== undefined && share >= LEAST_SHARE) return kindFor(asked, {}, share);
    const listsOf = filedPart(filter);
    if (Object.keys(listsOf).length === 0 || !isMostlyFiled(filter) || this.soldOut.has(digestOf(narrowingOf(filter))))
      return null;
    return kindFor(asked, listsOf, asksForStock(filter) ? IN_STOCK : 1);
  }

  /** Those that are known to be too old are none: so no page asks for one in vain. */
  private keptList(asked: Asked, kind: Kind, productId: string, part: number): PartOfList | null {
    const list = this.lists.of(this.key(asked, kind, productId), part);
    return list && nextOf(list.snapshot) > (this.tooOld.get(this.ageKey(asked, kind)) ?? -1) ? list : null;
  }

  /** Lists of what is filed grow old by other changes, too. */
  private ageKey(asked: Asked, { filed }: Kind): string {
    return `${this.table(asked)} ${filed === '' ? 'all' : 'filed'}`;
  }

  private key(asked: Asked, { filed }: Kind, productId: string): ListKey {
    return { table: this.table(asked), productId, filed };
  }

  private table({ version }: Asked): string {
    return embeddingTable(this.catalogId, version.number, version.spaces[0]!.name);
  }

  private found({ limit, version }: Asked, rows: readonly Row[]): Found {
    return foundOf(rows, limit, scaleOf(version.spaces));
  }

  private async run(
    { version, filter, limit, parts }: Asked,
    { listsOf }: Kind,
    anchors: readonly Anchor[],
    way: ListWay,
    by: Pick<Search, 'lists'> & Partial<New>,
  ): Promise<Row[][]> {
    if (anchors.length === 0) return [];
    const search: Search = {
      catalogId: this.catalogId,
      model: version.number,
      spaces: version.spaces,
      anchorIds: anchors.map(({ id }) => id),
      filter,
      listsOf,
      limit: sizeFor(limit),
      behind: null,
      effort: effortOf(1, null),
      goesOn: false,
      mostPassing: null,
      parts,
      ...by,
    };
    const { statement, values } = searchStatement(search, way);
    return byAnchor(await ofVersion(this.ask(statement, values)), anchors.length);
  }
}

/** The name of a product's page, for what was not enough for it. */
const nameOfPage = ({ filter, limit, version }: Asked, { filed }: Kind, anchorId: string): string =>
  `${version.number} ${sizeFor(limit)} ${digestOf(narrowingOf(filter))} ${filed} ${anchorId}`;

const digestOf = (narrowing: string): string =>
  narrowing === NOTHING ? '' : createHash('sha1').update(narrowing).digest('base64url').slice(0, LETTERS);

/** @param share of the products of such lists that pass the filter of a page; null: no list is long enough */
function kindFor({ filter, limit }: Asked, listsOf: SearchFilter, share: number): Kind | null {
  if (limit > LONGEST_PREPARED) return null;
  const all = sizeFor(limit) + FOLDED_OR_GONE + (filter.excludeIds?.length ?? 0);
  const usual = partOf(share < 1 ? (all * SPARE) / share : all);
  return usual < PARTS_OF_LIST.length ? { listsOf, filed: digestOf(narrowingOf(listsOf)), usual } : null;
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

/** Whether all others are farther than the last of the page, or there are none. */
const isWhole = (rows: readonly Row[], limit: number, radius: number): boolean => {
  if (radius === Number.POSITIVE_INFINITY) return true;
  const last = rows[limit - 1];
  return last !== undefined && last.l2 !== null && last.l2 < radius;
};
