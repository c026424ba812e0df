import { LRUCache } from 'lru-cache';
import { asksForStock } from './filed.ts';
import { countOf, narrowingOf, type Ranking } from './found.ts';
import { type Asked, type Kind, partOf } from './list-kinds.ts';
import { nextOf } from './list-sql.ts';
import { PARTS_OF_LIST, type PartOfList } from './neighbour-lists.ts';
import { sizeFor } from './page-sizes.ts';

/** How long it is remembered what was not enough for an anchor's page, ms, and of how many pages. */
const REMEMBERED_MS = 3_600_000;
const PAGES_REMEMBERED = 20_000;
/** The same of tables: that they have no lists, or none from before some time. */
const TABLES_REMEMBERED_MS = 60_000;
const TABLES_REMEMBERED = 1000;
/** How long it is remembered that of what is filed there too few are, ms. */
const SOLD_OUT_MS = 60_000;
const SOLD_OUT_REMEMBERED = 1000;

/** Pages and tables that lists are known not to be enough for, so that none is asked for by them in vain. */
export class ListLimits {
  /** Parts that pages of an anchor begin with where the usual one was not enough, as groups are folded or more tie; beyond the last one: no list is. */
  private readonly begins = new LRUCache<string, number>({ max: PAGES_REMEMBERED, ttl: REMEMBERED_MS });
  /** Filters by whose lists of what is filed a page came short, as little of it is in stock: no more are made. */
  private readonly soldOut = new LRUCache<string, true>({ max: SOLD_OUT_REMEMBERED, ttl: SOLD_OUT_MS });
  /** The youngest list of a table that too much was written since, as the transaction that was to come when it was made: older ones are not asked for. */
  private readonly tooOld = new LRUCache<string, number>({ max: TABLES_REMEMBERED, ttl: TABLES_REMEMBERED_MS });
  /** Tables of which no list can be kept. */
  private readonly without = new LRUCache<string, true>({ max: TABLES_REMEMBERED, ttl: TABLES_REMEMBERED_MS });

  /** No list of such a table can be kept. */
  foundWithout(table: string): void {
    this.without.set(table, true);
  }

  /** Whether lists of that kind may be enough for a page. */
  mayDo(table: string, { filter }: Asked, { filed }: Kind): boolean {
    return !this.without.has(table) && (filed === '' || !this.soldOut.has(narrowingOf(filter)));
  }

  /** The part of its list that an anchor's page begins with; PARTS_OF_LIST.length: none is enough. */
  partFor(asked: Asked, kind: Kind, anchorId: string): number {
    return Math.max(kind.usual, this.begins.get(nameOfPage(asked, kind, anchorId)) ?? 0);
  }

  /** Such a page came short by that part of a list. */
  cameShort(asked: Asked, kind: Kind, anchorId: string, part: number, ranking: Ranking): void {
    this.begins.set(nameOfPage(asked, kind, anchorId), nextPart(part, ranking, asked.limit));
  }

  /** The same by one that was made for it: of the anchor, and of the filter where little of what is filed is in stock. */
  cameShortByNew(asked: Asked, kind: Kind, anchorId: string, part: number, ranking: Ranking): void {
    // A catalog that has no more than a list has none.
    const isKept = ranking.list !== null;
    const next = isKept ? nextPart(part, ranking, asked.limit) : PARTS_OF_LIST.length;
    this.begins.set(nameOfPage(asked, kind, anchorId), next);
    if (kind.filed !== '' && asksForStock(asked.filter) && isKept && countOf(ranking) < asked.limit / 2)
      this.soldOut.set(narrowingOf(asked.filter), true);
  }

  /** Since this list was made more was written than a page looks at: it is too old, and so are all that are older. */
  foundTooOld(table: string, kind: Kind, { snapshot }: PartOfList): void {
    const key = ageKey(table, kind);
    const oldest = nextOf(snapshot);
    this.tooOld.set(key, Math.max(oldest, this.tooOld.get(key) ?? oldest));
  }

  isYoungEnough(table: string, kind: Kind, { snapshot }: PartOfList): boolean {
    return nextOf(snapshot) > (this.tooOld.get(ageKey(table, kind)) ?? -1);
  }
}

/** Lists of what is filed grow old by other changes, too. */
const ageKey = (table: string, { filed }: Kind): string => `${table} ${filed === '' ? 'all' : 'filed'}`;

/** The name of a product's page, for what was not enough for it. */
const nameOfPage = ({ filter, limit, version }: Asked, { filed }: Kind, anchorId: string): string =>
  `${version.number} ${sizeFor(limit)} ${narrowingOf(filter)} ${filed} ${anchorId}`;

/** As many times as long as the page was short, but no more than the longest; beyond that one where it was not enough. */
function nextPart(part: number, ranking: Ranking, limit: number): number {
  const longest = PARTS_OF_LIST.length - 1;
  const wanted = partOf((PARTS_OF_LIST[part]! * limit) / Math.max(1, countOf(ranking)));
  return Math.max(part + 1, Math.min(longest, wanted));
}
