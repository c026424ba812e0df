import { asNow } from '../../deadline.ts';
import type { RowOf, Shape } from './row.ts';

/** A statement, and the rows that it gives. One with a name, which no other text has, is planned once a session, where there are sessions. */
export type Statement<S extends Shape = Shape> = {
  readonly name?: string | undefined;
  readonly text: string;
  readonly row: S;
  /** A millisecond or two of a processor, whoever asks: how many of these are on their way at once is bounded where that serves them (pages-at-once.ts). */
  readonly isShort?: boolean;
};
/** Rows of a statement that gives none. */
export const NO_ROWS = {} satisfies Shape;

/**
 * Runs one statement by itself: one round trip, no transaction around it. A Uint8Array is a value in the binary format of its type.
 * Rejects with SimiliError DATABASE_UNAVAILABLE, DEADLINE_EXCEEDED or STORAGE_FULL, else with the driver's error (SQLSTATE in `code`).
 */
export type Ask = <S extends Shape>(statement: Statement<S>, values: readonly unknown[]) => Promise<RowOf<S>[]>;

type Query = (
  query: { name?: string | undefined; text: string; values: unknown[] },
  isShort: boolean,
) => Promise<{ rows: unknown[] }>;

/** SQLSTATE of a statement that was prepared in another session, or by another client of this one. */
const NOT_OURS = ['26000', '42P05'];

/** Prepared statements, unless a pooler between us and Postgres loses them: then each is planned anew. */
export function askPrepared(query: Query): Ask {
  let isPrepared = true;
  return async <S extends Shape>({ name, text, isShort = false }: Statement<S>, values: readonly unknown[]) => {
    const unnamed = { text, values: [...values] };
    const inItsTime = asNow<ReturnType<Query>>();
    try {
      return (await query(isPrepared ? { name, ...unnamed } : unnamed, isShort)).rows as RowOf<S>[];
    } catch (error) {
      if (!isPrepared || !name || !NOT_OURS.includes((error as { code?: string }).code ?? '')) throw error;
      isPrepared = false;
      return (await inItsTime(() => query(unnamed, isShort))).rows as RowOf<S>[];
    }
  };
}
