import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';

type Result<Row> = { rows: Row[]; rowCount: number };

/**
 * The part of `pg.Pool` that BullMQ's Postgres backend uses, over the one session of an in-process PGlite.
 * Every "connection" is that session; a NOTIFY reaches all of them.
 */
export class PGlitePool extends EventEmitter {
  /** Tells BullMQ that a lost listener would be noticed, so that it may wait long instead of polling. */
  readonly options = { keepAlive: true };
  constructor(private readonly db: PGlite) {
    super();
    this.setMaxListeners(0);
  }
  query<Row>(text: string, params?: readonly unknown[]): Promise<Result<Row>> {
    return runQuery<Row>(this.db, text, params);
  }
  async connect(): Promise<PGliteClient> {
    return new PGliteClient(this.db);
  }
  /** The database outlives its pool: src/db/embedded.ts closes it. */
  async end(): Promise<void> {}
}

class PGliteClient extends EventEmitter {
  private readonly stop: () => void;
  constructor(private readonly db: PGlite) {
    super();
    this.setMaxListeners(0);
    this.stop = db.onNotification((channel, payload) => this.emit('notification', { channel, payload }));
  }
  query<Row>(text: string, params?: readonly unknown[]): Promise<Result<Row>> {
    return runQuery<Row>(this.db, text, params);
  }
  release(): void {
    this.stop();
    this.removeAllListeners();
  }
}

async function runQuery<Row>(db: PGlite, text: string, params?: readonly unknown[]): Promise<Result<Row>> {
  // One client's UNLISTEN would deafen all the others: they share the session.
  if (/^(\s|--.*\n)*UNLISTEN/i.test(text)) return { rows: [], rowCount: 0 };
  const result = params?.length
    ? await db.query(
        text,
        params.map((value) => (value === undefined ? null : value)),
      )
    : ((await db.exec(text)).at(-1) ?? { rows: [], affectedRows: 0 });
  return { rows: result.rows as Row[], rowCount: result.affectedRows || result.rows.length };
}
