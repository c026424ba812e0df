import { during } from '../../deadline.ts';
import type { Ask } from '../sql/ask.ts';
import { ofVersion } from '../sql/version-gone.ts';
import type { Breadth } from './breadth.ts';
import { effortOf, isSure } from './effort.ts';
import type { Ranking } from './found.ts';
import type { Asked, Kind } from './list-kinds.ts';
import { searchedSpaces } from './many-lists.ts';
import type { PartOfList } from './neighbour-lists.ts';
import { sizeFor } from './page-sizes.ts';
import type { ListWay } from './parts.ts';
import { type Search, searchStatement } from './statement.ts';

type How = Partial<Pick<Search, 'lists' | 'length' | 'within' | 'effort' | 'goesOn' | 'mostPassing'>>;

/** Statements of pages by lists: by those that were kept, or by such as they make. */
export class ListSearch {
  constructor(
    private readonly ask: Ask,
    private readonly catalogId: string,
    private readonly breadth: Breadth,
  ) {}

  /** @param lists of each anchor */
  byKept(asked: Asked, kind: Kind, anchorIds: readonly string[], lists: readonly PartOfList[]): Promise<Ranking[]> {
    return this.run(asked, kind, anchorIds, 'listed', { lists });
  }

  /**
   * Searches as pages without a list do: for what few pass one by one, then by the index that suits how many do.
   * @param length how much of its list each page is made of
   */
  async byNew(asked: Asked, kind: Kind, anchorIds: readonly string[], length: number): Promise<Ranking[]> {
    const { breadth } = this;
    const { listsOf, filed } = kind;
    if (filed === '') return this.run(asked, kind, anchorIds, 'listing', { length });
    const within = await breadth.within(asked.version, listsOf, anchorIds.length, asked.deadline);
    let share = breadth.share(listsOf);
    if (share === undefined) {
      const mostPassing = breadth.most(within);
      const rankings = await this.run(asked, kind, anchorIds, 'listing passing', { length, mostPassing });
      if (!rankings[0]?.many) return rankings;
      share = await breadth.learn(asked.version, listsOf, within, asked.deadline);
    }
    const spaces = searchedSpaces(asked.version.spaces, anchorIds.length);
    const effort = effortOf(share, within, spaces);
    return this.run(asked, kind, anchorIds, 'listing', {
      length,
      within,
      effort,
      goesOn: !within && !isSure(effort, share, spaces),
    });
  }

  private run(
    { version, filter, limit, parts, deadline }: Asked,
    { listsOf }: Kind,
    anchorIds: readonly string[],
    way: ListWay,
    how: How,
  ): Promise<Ranking[]> {
    const spaces = searchedSpaces(version.spaces, anchorIds.length);
    const search: Search = {
      catalogId: this.catalogId,
      model: version.number,
      spaces,
      anchorIds,
      filter,
      listsOf,
      limit: sizeFor(limit),
      behind: null,
      effort: effortOf(1, null, spaces),
      goesOn: false,
      mostPassing: null,
      parts,
      ...how,
    };
    const { statement, values } = searchStatement(search, way);
    return ofVersion(during(deadline, () => this.ask(statement, values)));
  }
}
