import { type messages, type PGlite, parse, protocol } from '@electric-sql/pglite';
import { LRUCache } from 'lru-cache';

/** Sends messages of Postgres' protocol together. Rejects with the first error among the answers. */
type Send = (...parts: readonly Uint8Array[]) => Promise<messages.BackendMessage[]>;
/** A session in Postgres' own protocol. */
type Session = Pick<PGlite, 'serializers' | 'parsers'> & {
  /** Runs `work`, which nobody else's messages come between. */
  inTurn<T>(work: (send: Send) => Promise<T>): Promise<T>;
};
/** A statement that the session has planned: the types of its parameters, and the message that describes its rows. */
type Prepared = { types: readonly number[]; rows: readonly messages.BackendMessage[] };

/** Statements that a session keeps; for one more, that which was not asked for longest is forgotten. */
const KEPT = 100;
/** SQLSTATE of a statement that the session does not have. */
const UNKNOWN = '26000';

/**
 * Statements with a name, which a session parses and plans once. PGlite's own `query` does so each time, which for a page of similar
 * items takes longer than finding it, and sends six messages one by one where this sends one.
 */
export class PreparedPGlite {
  private readonly kept = new LRUCache<string, Prepared>({ max: KEPT });
  constructor(private readonly session: Session) {}

  /** @param values a Uint8Array is in the binary format of its type. Rejects with PGlite's error. */
  async query<Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.ask<Row>(name, text, values);
    } catch (error) {
      if ((error as { code?: string }).code !== UNKNOWN) throw error;
      this.kept.clear(); // somebody ended all statements of the session (DISCARD ALL)
      return this.ask<Row>(name, text, values);
    }
  }

  private ask<Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    const { serialize } = protocol;
    const { serializers, parsers } = this.session;
    return this.session.inTurn(async (send) => {
      const { types, rows } = this.kept.get(name) ?? (await this.prepare(name, text, send));
      const written = (value: unknown, i: number) =>
        value == null ? null : value instanceof Uint8Array ? value : (serializers[types[i]!] ?? String)(value);
      const given = values.map(written);
      const ask = [serialize.bind({ statement: name, values: given }), serialize.execute({}), serialize.sync()];
      return parse.parseResults([...rows, ...(await send(...ask))], parsers)[0]!.rows as Row[];
    });
  }

  private async prepare(name: string, text: string, send: Send): Promise<Prepared> {
    const { serialize } = protocol;
    const forgotten = [...this.kept.keys()].slice(KEPT - 1); // the last asked for come first
    for (const one of forgotten) this.kept.delete(one); // closed even where the new one has an error
    const answers = await send(
      // The session may have one of this name that is not known here any more: to close one that is not there is no error.
      ...[...forgotten, name].map((one) => serialize.close({ type: 'S', name: one })),
      serialize.parse({ name, text }),
      serialize.describe({ type: 'S', name }),
      serialize.sync(),
    );
    const rows = answers.filter((answer) => answer.name === 'rowDescription');
    const prepared = { types: parse.parseDescribeStatementResults(answers), rows };
    this.kept.set(name, prepared);
    return prepared;
  }
}
