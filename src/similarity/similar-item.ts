import type { ProductRow } from '../db/sql/product-row.ts';
import { makeCursor, type Place } from './cursor.ts';

/**
 * A product of a list. A class, and not an object with a function in it: lists are kept for when the database is away (last-known.ts), and a function keeps all that the
 * one who made it knew.
 */
export class SimilarItem {
  /**
   * @param position 1-based, over all pages
   * @param score 1 - D/4 with D the squared distance of unit vectors: 0 to 1; of what was not compared 0
   * @param place where a list that goes on behind it begins
   * @param signingKey of the catalog's tokens
   */
  constructor(
    readonly product: ProductRow,
    readonly position: number,
    readonly score: number,
    private readonly place: Place,
    private readonly signingKey: string,
  ) {}

  /** Signed, which costs more than all else of an item: made for whoever asks for it. */
  cursor(): string {
    return makeCursor(this.signingKey, this.place);
  }
}
