import { expect } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import type { ProductDraft } from '../../src/catalog/judge-product.ts';
import { NeighbourLists } from '../../src/db/search/neighbour-lists.ts';
import { type Found, SearchRepository } from '../../src/db/search/repository.ts';
import type { SearchFilter } from '../../src/db/search/statement.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import { startDeadline } from '../../src/deadline.ts';
import { pictureSpace, type VersionSpace } from '../../src/ports/space.ts';
import type { FreshDatabase } from './database.ts';
import { addProducts, unit } from './fixtures.ts';

const DIMENSIONS = 6;
const LIMIT = 10;

export type WayOfPage = 'by lists' | 'makes a list' | 'searched';
type Vector = Float32Array;
/** A product as far as filters and groups look at it. */
export type Said = Partial<Pick<ProductDraft, 'groupId' | 'price' | 'availableForSale' | 'categories' | 'tags'>>;

/** Products with vectors in a database, a search that keeps lists of neighbours, and pages ranked by hand to compare its pages with. */
export class ListedShop {
  readonly vectors = new Map<string, Vector>();
  readonly said = new Map<string, Said>();
  search!: SearchRepository;
  /** How the last page was made, by its statements. */
  ways: WayOfPage[] = [];
  private readonly random = makeRandom(11);

  private constructor(
    readonly database: FreshDatabase,
    private readonly mostPassing: number,
    private readonly space: VersionSpace,
  ) {
    this.forgetLists();
  }

  /**
   * @param say what a new product says
   * @param mostPassing products that pass a filter and are ranked one by one
   * @param index which it is; left out: one of the vectors that was not measured
   */
  static async open(
    database: FreshDatabase,
    products: number,
    say: (id: string) => Said,
    mostPassing = 20,
    index: { isBinary?: boolean; candidates?: number } = {},
  ): Promise<ListedShop> {
    const shop = new ListedShop(database, mostPassing, pictureSpace(DIMENSIONS, 'vector', index));
    const { number } = shop.version;
    const ids = Array.from({ length: products }, (_, i) => `p${String(i).padStart(3, '0')}`);
    await database.repositories.embeddings.createTable(number, shop.space);
    for (const id of ids) shop.said.set(id, say(id));
    await shop.write(ids.map((id) => [id, shop.draw()]));
    await database.repositories.embeddings.createIndex(number, shop.space);
    return shop;
  }

  get version() {
    return { number: 1, spaces: [this.space] };
  }

  forgetLists(): void {
    const ask: Ask = (statement, values) => {
      const { text } = statement;
      if (/near AS MAT/.test(text)) this.ways.push('makes a list');
      else if (/fresh AS MAT/.test(text)) this.ways.push('by lists');
      else if (/WITH anchor AS/.test(text)) this.ways.push('searched');
      return this.database.storage.ask(statement, values);
    };
    this.search = new SearchRepository(ask, 'default', this.mostPassing, false, new NeighbourLists(1e6));
  }

  draw(): Vector {
    return unit(Array.from({ length: DIMENSIONS }, () => this.random.gaussian()));
  }

  /** As near to another product as `by` says, in the direction of chance. */
  near(id: string, by: number): Vector {
    return unit([...(this.vectors.get(id) ?? this.draw())].map((x) => x + by * this.random.gaussian()));
  }

  /** @param said also of those that are there; left out: as they say already */
  async write(rows: readonly (readonly [string, Vector])[], said?: Said): Promise<void> {
    for (const [id] of rows) this.said.set(id, { ...this.said.get(id), ...said });
    await addProducts(
      this.database,
      rows.map(([id]) => this.draft(id)),
    );
    const some = rows.map(([productId, vector]) => ({ productId, contentHash: 'h', vector }));
    await this.database.repositories.embeddings.upsert(this.version.number, some, this.space);
    for (const [id, vector] of rows) this.vectors.set(id, vector);
  }

  /** Changes what a product says, and not its vector. */
  async say(id: string, said: Said): Promise<void> {
    this.said.set(id, { ...this.said.get(id), ...said });
    await addProducts(this.database, [this.draft(id)]);
  }

  async remove(id: string): Promise<void> {
    await this.database.repositories.products.remove([id]);
    this.vectors.delete(id);
    this.said.delete(id);
  }

  /** Takes a product's vector away; the product stays. */
  async takeVector(id: string): Promise<void> {
    await this.database.repositories.embeddings.removeUnpictured(this.version.number, this.space.name, [id]);
    this.vectors.delete(id);
  }

  /** Takes a product away, and adds one of the same id that has no vector yet. */
  async replace(id: string): Promise<void> {
    const said = this.said.get(id)!;
    await this.remove(id);
    await this.say(id, said);
  }

  async ask(ids: string | readonly string[], filter: SearchFilter = {}, limit = LIMIT): Promise<Found[]> {
    this.ways = [];
    return this.search.nearestOfEach(this.version, typeof ids === 'string' ? [ids] : ids, filter, limit);
  }

  /** The first page of each, all at once, as requests of their own. */
  async askAtOnce(ids: readonly string[], limit = LIMIT): Promise<Found[]> {
    this.ways = [];
    const pages = ids.map((id) => {
      const deadline = startDeadline({ statementMs: 10_000, requestMs: 10_000 });
      return this.search.nearestOfEach(this.version, [id], {}, limit, null, { deadline });
    });
    return (await Promise.all(pages)).flat();
  }

  /** By distance from all that is there: of each group the first that passes, and none of the anchor's own. */
  nearestByHand(anchor: string, limit = LIMIT, filter: SearchFilter = {}): string[] {
    const own = this.vectors.get(anchor);
    if (!own) return [];
    const l2 = (id: string) => Math.hypot(...this.vectors.get(id)!.map((x, i) => x - own[i]!));
    const ranked = [...this.vectors.keys()]
      .filter((id) => id !== anchor && !filter.excludeIds?.includes(id) && passes(this.said.get(id)!, filter))
      .sort((a, b) => l2(a) - l2(b));
    const seen = new Set([this.said.get(anchor)?.groupId]);
    const first = ranked.filter((id) => {
      const { groupId } = this.said.get(id)!;
      if (!groupId) return true;
      if (seen.has(groupId)) return false;
      seen.add(groupId);
      return true;
    });
    return first.slice(0, limit);
  }

  /** Asks for a page, which is right, and was first tried in this way. */
  async expectRight(anchor: string, way: WayOfPage, filter: SearchFilter = {}, limit = LIMIT): Promise<Found> {
    const [found] = await this.ask(anchor, filter, limit);
    expect(idsOf(found!)).toEqual(this.nearestByHand(anchor, limit, filter));
    expect(this.ways[0]).toBe(way);
    return found!;
  }

  private draft(id: string) {
    const { price, ...said } = this.said.get(id)!;
    return { id, ...said, ...(price && { price, currencyCode: 'EUR' }) };
  }
}

export const idsOf = (found: Found): string[] => found.neighbours.map(({ productId }) => productId);

function passes({ price, availableForSale = true, categories, tags }: Said, filter: SearchFilter): boolean {
  const { minPrice, maxPrice, available, conditions = [] } = filter;
  const amount = price ? Number(price) : Number.NaN;
  const isPriced = (!minPrice || amount >= Number(minPrice)) && (!maxPrice || amount <= Number(maxPrice));
  const isFiled = !filter.categories || filter.categories.some((category) => categories?.includes(category));
  const isTagged = conditions.every((one) => 'overlaps' in one && one.overlaps.some((tag) => tags?.includes(tag)));
  return isPriced && isFiled && isTagged && (available === undefined || available === availableForSale);
}
