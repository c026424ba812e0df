import { LRUCache } from 'lru-cache';
import { type Deadline, during } from '../../deadline.ts';
import type { Ask } from '../sql/ask.ts';
import { ofVersion } from '../sql/version-gone.ts';
import { CategoriesOfSearch, type WithinCategory } from './category.ts';
import { mostPassingWithin, shareOf } from './effort.ts';
import { narrowingOf, type RankingVersion } from './found.ts';
import { type SearchFilter, sampleStatement } from './statement.ts';

/** How long it is remembered that many pass a filter, and which share, ms. */
const REMEMBERED_MS = 60_000;
const FILTERS_REMEMBERED = 1000;

/** How many products of a catalog pass filters, which says how these are searched under. */
export class Breadth {
  /** Shares of the catalog that pass, of filters that more products pass than are ranked one by one. */
  private readonly shares = new LRUCache<string, number>({ max: FILTERS_REMEMBERED, ttl: REMEMBERED_MS });
  private readonly categories: CategoriesOfSearch;

  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    /** Most products that pass a filter and are ranked one by one; null: as many as suits the size of the catalog. */
    private readonly mostPassing: number | null,
    /** Whether a table of vectors may have no index, because it is small. A category then never has one of its own. */
    private readonly mayLackIndex: boolean,
  ) {
    this.categories = new CategoriesOfSearch(ask, catalogId);
  }

  /** The share of the catalog that passes, 0 to 1; undefined: it is not known, and may be few. */
  share(filter: SearchFilter): number | undefined {
    return this.shares.get(narrowingOf(filter));
  }

  /** Indexes of the filter's one category alone; null: it is searched under by those of all. @param lists of one statement */
  async within(
    { number, spaces }: RankingVersion,
    filter: SearchFilter,
    lists: number,
    deadline: Deadline | null,
  ): Promise<WithinCategory | null> {
    return this.mayLackIndex ? null : this.categories.of(number, spaces, filter, lists, deadline);
  }

  /** As many as are ranked one by one, for a `Search`. */
  most(within: WithinCategory | null): number | null {
    return this.mostPassing ?? (within && mostPassingWithin(within.products));
  }

  /** Finds out which share passes, and remembers it. To be asked where more do than are ranked one by one. */
  async learn(
    version: RankingVersion,
    filter: SearchFilter,
    within: WithinCategory | null,
    deadline: Deadline | null,
  ): Promise<number> {
    const share = await this.shareOf(version, filter, within, deadline);
    this.shares.set(narrowingOf(filter), share);
    return share;
  }

  private async shareOf(
    version: RankingVersion,
    { excludeIds: _, ...filter }: SearchFilter,
    within: WithinCategory | null,
    deadline: Deadline | null,
  ): Promise<number> {
    const constraints = Object.keys(filter);
    if (constraints.length === 0) return 1;
    if (within && constraints.length === 1) return within.share;
    const { statement, values } = sampleStatement(this.catalogId, version, filter);
    const [sample] = await ofVersion(during(deadline, () => this.ask(statement, values)));
    return sample ? shareOf(sample) : 0;
  }
}
