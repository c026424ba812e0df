import type { ServingPointer } from '../db/models.ts';
import type { Compared } from '../db/near-duplicates.ts';
import type { Found, RankingVersion } from '../db/search/repository.ts';
import type { Behind, SearchFilter } from '../db/search/statement.ts';
import type { Parts } from '../db/sql/product-columns.ts';
import type { ProductRow } from '../db/sql/product-row.ts';
import type { Alike } from './diversity.ts';

/** One list to be searched for. */
export type Wanted = {
  version: RankingVersion;
  anchorId: string;
  /** Several anchors as one, for whom `anchorId` stands; left out: it is the one product. */
  anchorIds?: readonly string[] | undefined;
  /** A vector that is no product's, for which `anchorId` stands. */
  vector?: Float32Array | undefined;
  filter: SearchFilter;
  limit: number;
  behind: Behind | null;
  /** Parts of the products; left out: all. */
  parts?: Parts | undefined;
};
/** State that all lists of one answer share: one serving version, and one statement for those that are asked for together. */
export type AnswerView = {
  serving(): Promise<ServingPointer | null>;
  /** Runs what is asked of the database beside all of these in the request's time. */
  inTime<T>(ask: () => Promise<T>): Promise<T>;
  /** The serving version's table is gone: ask again. */
  forgetServing(): void;
  /** The filter with its categories as the catalog spells them. */
  spelled(filter: SearchFilter): Promise<SearchFilter>;
  /** Rejects with VersionGone. */
  nearest(wanted: Wanted): Promise<Found>;
  /** How alike these products of a list are to each other. Rejects with VersionGone. */
  alike(version: RankingVersion, ids: readonly string[]): Promise<Alike>;
  /** Those of a list whose picture is no near-duplicate of one before them. Rejects with VersionGone. */
  distinct(version: RankingVersion, compared: Compared): Promise<ReadonlySet<string>>;
  /** Null: the catalog has no such product. */
  product(id: string): Promise<ProductRow | null>;
};
