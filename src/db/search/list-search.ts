import { during } from '../../deadline.ts';
import type { Ask } from '../sql/ask.ts';
import { ofVersion } from '../sql/version-gone.ts';
import type { Breadth } from './breadth.ts';
import { effortOf, isSure, thoroughWithin } from './effort.ts';
import type { Ranking } from './found.ts';
import type { Asked, Kind } from './list-kinds.ts';
import type { PartOfList } from './neighbour-lists.ts';
import { sizeFor } from './page-sizes.ts';
import type { ListWay } from './parts.ts';
import { type Search, searchStatement } from './statement.ts';

/** Rankings of the anchors. `isRough`: whoever asks again is worth a search that looks farther. */
type Made = { rankings: Ranking[]; isRough: boolean };
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
   * @param isThorough whether it looks as far as it takes to be sure
   */
  async byNew(
    asked: Asked,
    kind: Kind,
    anchorIds: readonly string[],
    length: number,
    isThorough: boolean,
  ): Promise<Made> {
    const { breadth } = this;
    const { listsOf, filed } = kind;
    if (filed === '')
      return { rankings: await this.run(asked, kind, anchorIds, 'listing', { length }), isRough: false };
    const within = await breadth.within(asked.version, listsOf, asked.deadline);
    let share = breadth.share(listsOf);
    if (share === undefined) {
      const mostPassing = breadth.most(within);
      const rankings = await this.run(asked, kind, anchorIds, 'listing passing', { length, mostPassing });
      if (!rankings[0]?.many) return { rankings, isRough: false };
      share = await breadth.learn(asked.version, listsOf, within, asked.deadline);
    }
    const thorough = within && thoroughWithin(share / within.share, within);
    const usual = { within, effort: effortOf(share, within) };
    const by = isThorough ? (thorough ?? usual) : usual;
    const goesOn = !within && !isSure(usual.effort, share);
    const rankings = await this.run(asked, kind, anchorIds, 'listing', { length, goesOn, ...by });
    return { rankings, isRough: !isThorough && thorough !== null };
  }

  private run(
    { version, filter, limit, parts, deadline }: Asked,
    { listsOf }: Kind,
    anchorIds: readonly string[],
    way: ListWay,
    how: How,
  ): Promise<Ranking[]> {
    const search: Search = {
      catalogId: this.catalogId,
      model: version.number,
      spaces: version.spaces,
      anchorIds,
      filter,
      listsOf,
      limit: sizeFor(limit),
      behind: null,
      effort: effortOf(1, null),
      goesOn: false,
      mostPassing: null,
      parts,
      ...how,
    };
    const { statement, values } = searchStatement(search, way);
    return ofVersion(during(deadline, () => this.ask(statement, values)));
  }
}
