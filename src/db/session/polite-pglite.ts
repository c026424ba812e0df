import { setImmediate as nextTurn } from 'node:timers/promises';
import { PGlite, type PGliteOptions, type Results, type Transaction } from '@electric-sql/pglite';
import { inTime, requestTimeLeft } from '../../deadline.ts';
import { type Disk, DiskWatch } from './disk-watch.ts';
import { PreparedPGlite } from './prepared-pglite.ts';
import { carrying } from './typed-client.ts';

/** Longest time that statements in a row keep the event loop, ms: shoppers wait for it, and a turn costs microseconds. */
const LONGEST_STRETCH_MS = 10;

/**
 * PGlite computes on the thread that answers shoppers, and its promises resolve without a turn of the event loop: a loop
 * that awaits one statement after the other would let nobody else in until it ends. Here every statement looks at the
 * clock, so that no loop has to think of it. (One long statement still holds the thread: it cannot be divided.)
 */
export class PolitePGlite extends PGlite {
  private readonly prepared = new PreparedPGlite({
    serializers: this.serializers,
    parsers: this.parsers,
    inTurn: (work) =>
      this._runExclusiveTransaction(() =>
        this._runExclusiveQuery(() =>
          work(async (...parts) => (await this.execProtocol(Buffer.concat(parts))).messages),
        ),
      ),
  });
  private lastTurn: number;
  private disk: DiskWatch | null = null;
  private readOnly = false;
  constructor(
    options: PGliteOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    super(options);
    this.lastTurn = now();
  }

  /** @throws SimiliError DEADLINE_EXCEEDED: the request that asks is over. */
  override query<Row>(...asked: Parameters<PGlite['query']>): Promise<Results<Row>> {
    return this.inRequestTime(() => super.query<Row>(...asked));
  }
  /** The rows of a statement that is planned once and found again by its name. @throws SimiliError DEADLINE_EXCEEDED */
  queryByName<Row>(...asked: Parameters<PreparedPGlite['query']>): Promise<Row[]> {
    return this.inRequestTime(() => this.prepared.query<Row>(...asked));
  }
  /** @throws SimiliError DEADLINE_EXCEEDED: it is not begun. One that has begun is ended by Prisma. */
  override transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return carrying(async () => {
      requestTimeLeft();
      await this.watchDisk();
      return super.transaction(work);
    });
  }

  private inRequestTime<T>(ask: () => Promise<T>): Promise<T> {
    return carrying(async () => {
      const left = requestTimeLeft(); // before anything is waited for: what is asked `during` a deadline is not followed
      await this.watchDisk();
      return inTime(ask(), left);
    });
  }

  /** From now on the database refuses to write while `disk` is nearly full. */
  guard(disk: Disk): void {
    this.disk = new DiskWatch(disk, this.now);
  }

  /** Postgres itself tells reads from writes: it is the one who refuses (SQLSTATE 25006). */
  private async watchDisk(): Promise<void> {
    const full = this.disk?.isFull() ?? false;
    if (full === this.readOnly || this.isInTransaction()) return; // a SET within one would end with it
    this.readOnly = full;
    await super.exec(`SET default_transaction_read_only = ${full ? 'on' : 'off'}`);
  }

  /** Every way to ask ends here, one message of the protocol at a time, under PGlite's own lock. */
  override async execProtocolRaw(...message: Parameters<PGlite['execProtocolRaw']>): Promise<Uint8Array> {
    const answer = await super.execProtocolRaw(...message);
    if (this.now() - this.lastTurn >= LONGEST_STRETCH_MS) {
      await nextTurn();
      this.lastTurn = this.now();
    }
    return answer;
  }
}
