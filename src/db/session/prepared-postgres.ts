import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import { keptIn } from '../../kept-in.ts';

type Row = Record<string, unknown>;
/** Columns of a statement's rows. `empty`: a row in which all are null, from which each row begins. */
type Columns = {
  readonly names: readonly string[];
  readonly parsers: readonly ((value: string) => unknown)[];
  readonly empty: Row;
};
/** The driver's connection, as far as a query needs it; its published types leave some of it out. */
type Connection = EventEmitter & {
  readonly stream: Writable;
  /** Texts of the statements that the session has, by their names. */
  readonly parsedStatements: Record<string, string>;
  close(what: { type: 'S'; name: string }): void;
  parse(query: { name: string; text: string }): void;
  bind(query: { statement: string; values: readonly unknown[] }): void;
  describe(what: { type: 'P' }): void;
  execute(query: object): void;
  sync(): void;
};
type Answer = (error: Error | null, result?: { rows: Row[] }) => void;

/** Columns that the statements of each session give, by their names, that which was not asked for longest in front. */
const described = keptIn<Connection, Map<string, Columns>>();
/** Statements that a session keeps, each with its plan of some 200 KB; for one more, that which was not asked for longest is closed. Versions come and go, and filters have many shapes. */
const KEPT = 100;
const NO_COLUMNS: Columns = { names: [], parsers: [], empty: {} };

/**
 * A statement with a name, which a session parses, plans and describes once. The driver's own query has it described each time: for a page of similar items, which has some
 * twenty columns, reading that took as long as reading its rows. A session cannot change what a prepared statement gives: Postgres refuses it then.
 *
 * It is handed to `client.query(…)`, which calls it as answers come (the interface of pg-cursor and pg-query-stream).
 */
export class PreparedQuery implements pg.Submittable {
  /** Looked at by the driver, which remembers under `name` that the session has parsed `text`. */
  readonly name: string;
  readonly text: string;
  /** Set by the driver. */
  callback: Answer | undefined;
  private readonly values: readonly unknown[];
  private readonly rows: Row[] = [];
  private columns: Columns | undefined;
  private failed: Error | null = null;

  /**
   * @param query.name no other text has it
   * @param query.values a Uint8Array is in the binary format of its type
   */
  constructor({ name, text, values }: { name: string; text: string; values: readonly unknown[] }) {
    this.name = name;
    this.text = text;
    this.values = values.map(prepareValue);
  }

  submit(given: pg.Connection): void {
    const connection = given as unknown as Connection;
    const { name, text, values } = this;
    const isParsed = connection.parsedStatements[name] !== undefined;
    this.columns = isParsed ? lastAsked(connection, name) : undefined;
    connection.stream.cork(); // one packet
    if (!isParsed) {
      closeOldest(connection);
      connection.parse({ name, text });
    }
    connection.bind({ statement: name, values });
    if (!this.columns) connection.describe({ type: 'P' });
    connection.execute({});
    connection.sync();
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    const names = fields.map((field) => field.name);
    this.columns = {
      names,
      parsers: fields.map(({ dataTypeID }) => pg.types.getTypeParser(dataTypeID, 'text')),
      empty: Object.fromEntries(names.map((column) => [column, null])),
    };
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const { names, parsers, empty } = this.columns ?? NO_COLUMNS;
    const row = { ...empty };
    try {
      for (let i = 0; i < names.length; i++) {
        const value = fields[i]!;
        if (value !== null) row[names[i]!] = parsers[i]!(value);
      }
    } catch (error) {
      this.failed = error as Error;
    }
    this.rows.push(row);
  }

  handleCommandComplete(_message: unknown, connection: Connection): void {
    let known = described.get(connection);
    if (!known) {
      known = new Map();
      described.set(connection, known);
    }
    known.set(this.name, this.columns ?? NO_COLUMNS);
  }

  handleReadyForQuery(): void {
    this.callback?.(this.failed, { rows: this.rows });
  }

  handleError(error: Error): void {
    this.callback?.(error);
  }

  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}

/** The columns of a statement, which is now the last that was asked for. */
function lastAsked(connection: Connection, name: string): Columns | undefined {
  const known = described.get(connection);
  const columns = known?.get(name);
  if (!known || !columns) return undefined;
  known.delete(name);
  known.set(name, columns);
  return columns;
}

/** Makes room for one more. */
function closeOldest(connection: Connection): void {
  const known = described.get(connection);
  if (!known || known.size < KEPT) return;
  const [oldest] = known.keys();
  known.delete(oldest!);
  delete connection.parsedStatements[oldest!];
  connection.close({ type: 'S', name: oldest! });
}
