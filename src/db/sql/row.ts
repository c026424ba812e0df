import { Prisma } from '../../generated/prisma/client.ts';

/** A column of a result: its type in Postgres, and with it, as `T`, what the driver makes of a value. */
export type Column<T> = {
  readonly type: string;
  readonly nullable: boolean;
  /** Nullable in its table, and of no row that the statement looks at. */
  readonly filled?: true;
  /** All values of an enum. */
  readonly labels?: readonly string[];
  /** Columns of the rows that are within one value. */
  readonly within?: Shape;
  readonly value?: () => T;
};
/** Columns of the rows that a statement gives, by name. */
export type Shape = Readonly<Record<string, Column<unknown>>>;
export type RowOf<S extends Shape> = { -readonly [Name in keyof S]: S[Name] extends Column<infer T> ? T : never };

const column = <T>(type: string): Column<T> => ({ type, nullable: false });
export const text = column<string>('text');
export const texts = column<string[]>('text[]');
export const bool = column<boolean>('boolean');
export const int = column<number>('integer');
export const bigint = column<bigint>('bigint');
export const float = column<number>('double precision');
export const time = column<Date>('timestamp with time zone');
/** Whatever was stored: whoever reads it says what it is. */
export const json = column<Prisma.JsonValue>('jsonb');
/**
 * Rows within one value, as JSON: of each an array, its values in the order of their columns. The driver takes five times as long for as many rows of their own.
 * @param shape without types that JSON does not have
 */
export const nested = (shape: Shape): Column<unknown[][]> => ({ ...column<unknown[][]>('json'), within: shape });
/** An enum of the schema. @param labels its values, as Prisma generates them */
export const oneOf = <Label extends string>(type: string, labels: Readonly<Record<string, Label>>): Column<Label> => ({
  ...column<Label>(type),
  labels: Object.values(labels),
});
/** A column that is nullable in its table, where the statement looks at no row in which it is null. */
export const filled = <T>(own: Column<T>): Column<T> => ({ ...own, filled: true });
export const orNull = <T>({ value: _, ...own }: Column<T>): Column<T | null> => ({ ...own, nullable: true });

/**
 * Asks for rows of a shape: rows(db, { n: int })`SELECT …`. Nothing is looked at as rows come: that each statement gives what it says is held by
 * test/integration/storage.test.ts, which has Postgres describe all of them.
 */
export const rows =
  <S extends Shape>(db: Pick<Prisma.TransactionClient, '$queryRaw'>, row: S) =>
  (site: TemplateStringsArray, ...values: readonly unknown[]): Promise<RowOf<S>[]> =>
    db.$queryRaw(Object.assign(Prisma.sql(site, ...values), { row, site }));
