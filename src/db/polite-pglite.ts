import { setImmediate as nextTurn } from 'node:timers/promises';
import { PGlite, type PGliteOptions, type Results, type Transaction } from '@electric-sql/pglite';
import { inTime, requestTimeLeft } from '../deadline.ts';

/** Longest time that statements in a row keep the event loop, ms: shoppers wait for it, and a turn costs microseconds. */
const LONGEST_STRETCH_MS = 10;

/**
 * PGlite computes on the thread that answers shoppers, and its promises resolve without a turn of the event loop: a loop
 * that awaits one statement after the other would let nobody else in until it ends. Here every statement looks at the
 * clock, so that no loop has to think of it. (One long statement still holds the thread: it cannot be divided.)
 */
export class PolitePGlite extends PGlite {
  private lastTurn: number;
  constructor(
    options: PGliteOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    super(options);
    this.lastTurn = now();
  }

  /** @throws SimiliError DEADLINE_EXCEEDED: the request that asks is over. */
  override async query<Row>(...asked: Parameters<PGlite['query']>): Promise<Results<Row>> {
    const left = requestTimeLeft();
    return inTime(super.query<Row>(...asked), left);
  }
  override async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    requestTimeLeft();
    return super.transaction(work);
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
