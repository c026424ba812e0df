/** Feedback on `item` at one position of the lists of `anchor` in one placement. One row per four of them. */
export type SeenPair = {
  /** Indices of items. */
  readonly anchor: number;
  readonly item: number;
  /** From 1. */
  readonly position: number;
  /** Where in the storefront the lists stood. Left out: `default`. */
  readonly placement?: string;
  /** Times shown. Votes, so fractions where a visitor or a list counts for less than one (src/db/feedback-days.ts). */
  readonly impressions: number;
  /** Impressions with any positive action. */
  readonly clicks: number;
  /** Sum of action values, those of dismissals being negative (src/feedback-worth.ts). */
  readonly value: number;
};

/** Rows of feedback in columns, 40 bytes a row. [rows] each but `placementNames`. They cross to a host as they are. */
export type SeenColumns = {
  anchors: Int32Array;
  items: Int32Array;
  positions: Int32Array;
  /** Index in `placementNames`; -1: `default`. */
  placements: Int32Array;
  impressions: Float64Array;
  clicks: Float64Array;
  values: Float64Array;
  placementNames: string[];
};

type Numbers = Int32Array | Float64Array;
const NAMES = ['anchors', 'items', 'positions', 'placements', 'impressions', 'clicks', 'values'] as const;

/**
 * Feedback in columns, by anchor and item, so that whatever is summed over a pair or an anchor is summed over neighbours. Millions of
 * rows take 40 bytes each and 4 a pair.
 */
export class SeenPairs implements Iterable<SeenPair> {
  /** [pairs + 1]: rows of pair p are `starts[p]` to `starts[p + 1] - 1`. */
  readonly starts: Int32Array;

  /** @param columns by anchor and item, as another of these has them */
  constructor(readonly columns: SeenColumns) {
    this.starts = startsOf(columns);
  }

  /** These rows; what is in columns already is not copied. Rows of a pair keep their order. */
  static from(pairs: Iterable<SeenPair>): SeenPairs {
    if (pairs instanceof SeenPairs) return pairs;
    const rows = new SeenRows();
    for (const pair of pairs) rows.add(pair);
    return rows.finish();
  }

  /** How many rows there are. */
  get length(): number {
    return this.columns.anchors.length;
  }

  /** How many pairs of anchor and item there are. */
  get pairs(): number {
    return this.starts.length - 1;
  }

  anchorOf(pair: number): number {
    return this.columns.anchors[this.starts[pair]!]!;
  }

  itemOf(pair: number): number {
    return this.columns.items[this.starts[pair]!]!;
  }

  placementOf(row: number): string | undefined {
    return this.columns.placementNames[this.columns.placements[row]!];
  }

  /** The first pair that is not before this one; where it is the same pair, its number. In [0, pairs]. */
  firstPair(anchor: number, item: number): number {
    let [low, high] = [0, this.pairs];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const before = this.anchorOf(middle) - anchor || this.itemOf(middle) - item;
      if (before < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Number of a pair; -1 where nothing was seen of it. */
  pairOf(anchor: number, item: number): number {
    const found = this.firstPair(anchor, item);
    return found < this.pairs && this.anchorOf(found) === anchor && this.itemOf(found) === item ? found : -1;
  }

  /** Anchors, ascending, with their pairs: `from` to `to - 1`. */
  *anchors(): Generator<{ anchor: number; from: number; to: number }> {
    for (let from = 0; from < this.pairs; ) {
      const anchor = this.anchorOf(from);
      let to = from + 1;
      while (to < this.pairs && this.anchorOf(to) === anchor) to++;
      yield { anchor, from, to };
      from = to;
    }
  }

  /** Those whose pairs are wanted. */
  filter(isWanted: (anchor: number, item: number) => boolean): SeenPairs {
    const { columns } = this;
    const rows = new Int32Array(this.length);
    let length = 0;
    for (let row = 0; row < this.length; row++)
      if (isWanted(columns.anchors[row]!, columns.items[row]!)) rows[length++] = row;
    return new SeenPairs(replace({ ...columns }, (column) => taken(column, rows.subarray(0, length))));
  }

  /** Rows of these pairs, all by default. */
  *rows(from = 0, to = this.pairs): Generator<SeenPair> {
    for (let row = this.starts[from]!; row < this.starts[to]!; row++) yield this.row(row);
  }

  [Symbol.iterator](): Iterator<SeenPair> {
    return this.rows();
  }

  private row(row: number): SeenPair {
    const { anchors, items, positions, impressions, clicks, values } = this.columns;
    const placement = this.placementOf(row);
    return {
      anchor: anchors[row]!,
      item: items[row]!,
      position: positions[row]!,
      ...(placement !== undefined && { placement }),
      impressions: impressions[row]!,
      clicks: clicks[row]!,
      value: values[row]!,
    };
  }
}

/** Rows as they come, in columns that grow; put into order once, at the end. */
export class SeenRows {
  private readonly columns = emptyColumns(1024);
  private readonly numbers = new Map<string, number>();
  private length = 0;

  add({ anchor, item, position, placement, impressions, clicks, value }: SeenPair): void {
    const row = this.length++;
    if (row === this.columns.anchors.length) this.grow();
    const { columns } = this;
    columns.anchors[row] = anchor;
    columns.items[row] = item;
    columns.positions[row] = position;
    columns.placements[row] = placement === undefined ? -1 : this.numberOf(placement);
    columns.impressions[row] = impressions;
    columns.clicks[row] = clicks;
    columns.values[row] = value;
  }

  /** All that was added; nothing can be added later. */
  finish(): SeenPairs {
    const { length } = this;
    this.columns.placementNames = [...this.numbers.keys()];
    const columns = replace(this.columns, (column) => column.slice(0, length) as typeof column);
    if (isInOrder(columns)) return new SeenPairs(columns);
    const order = orderBy(
      columns.anchors,
      orderBy(
        columns.items,
        Int32Array.from({ length }, (_, row) => row),
      ),
    );
    return new SeenPairs(replace(columns, (column) => taken(column, order)));
  }

  private numberOf(placement: string): number {
    const known = this.numbers.get(placement) ?? this.numbers.size;
    this.numbers.set(placement, known);
    return known;
  }

  private grow(): void {
    replace(this.columns, (column) => {
      const more = new (column.constructor as new (n: number) => typeof column)(Math.ceil(1.5 * column.length));
      more.set(column);
      return more;
    });
  }
}

const emptyColumns = (n: number): SeenColumns => ({
  anchors: new Int32Array(n),
  items: new Int32Array(n),
  positions: new Int32Array(n),
  placements: new Int32Array(n),
  impressions: new Float64Array(n),
  clicks: new Float64Array(n),
  values: new Float64Array(n),
  placementNames: [],
});

/** Puts `to` of each column, one of its kind, in its place: one after the other, so that never all are there twice. */
function replace(columns: SeenColumns, to: <T extends Numbers>(column: T) => T): SeenColumns {
  for (const name of NAMES) Object.assign(columns, { [name]: to<Numbers>(columns[name]) });
  return columns;
}

function taken<T extends Numbers>(column: T, rows: Int32Array): T {
  const result = new (column.constructor as new (n: number) => T)(rows.length);
  for (let i = 0; i < rows.length; i++) result[i] = column[rows[i]!]!;
  return result;
}

function isInOrder({ anchors, items }: SeenColumns): boolean {
  for (let row = 1; row < anchors.length; row++)
    if ((anchors[row - 1]! - anchors[row]! || items[row - 1]! - items[row]!) > 0) return false;
  return true;
}

/** `rows` by their keys, >= 0; rows of the same key keep their order (counting sort). */
function orderBy(keys: Int32Array, rows: Int32Array): Int32Array {
  let greatest = -1;
  for (const key of keys) greatest = Math.max(greatest, key);
  const places = new Int32Array(greatest + 2);
  for (const key of keys) places[key + 1]!++;
  for (let key = 1; key < places.length; key++) places[key]! += places[key - 1]!;
  const sorted = new Int32Array(rows.length);
  for (const row of rows) sorted[places[keys[row]!]!++] = row;
  return sorted;
}

function startsOf({ anchors, items }: SeenColumns): Int32Array {
  const begins = (row: number) => row === 0 || anchors[row] !== anchors[row - 1] || items[row] !== items[row - 1];
  let pairs = 0;
  for (let row = 0; row < anchors.length; row++) if (begins(row)) pairs++;
  const starts = new Int32Array(pairs + 1).fill(anchors.length);
  let pair = 0;
  for (let row = 0; row < anchors.length; row++) if (begins(row)) starts[pair++] = row;
  return starts;
}
