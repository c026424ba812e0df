import { inTime, RETRY_AFTER_SECONDS, timeLeft } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { sqlStateOf } from './sql/sql-state.ts';

type Transaction = Prisma.TransactionClient;

/** SQLSTATE lock_not_available: `lock_timeout` has passed. */
const NOT_AVAILABLE = '55P03';
/** Share of a statement's time that it waits for the lock: so it is the server that says so, and nobody takes it for away. */
const WAITING = 0.5;
/** ms: work without a limit may wait for a day that is rolled up. */
const CHANGING = { timeout: 600_000 };

/**
 * Until the transaction ends nobody else rolls up a catalog's feedback or erases some of it: a day that is rolled up while its events
 * are deleted would keep them. What shoppers send does not wait. Its own statement, so that the next one sees what was committed before.
 */
export async function lockFeedback(tx: Transaction, catalogId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('simili feedback ' || ${catalogId}::text, 0))`;
}

/**
 * Changes of a catalog's feedback that somebody waits for, under its lock, one at a time in a process: days are rolled up under it for minutes, and
 * anybody may ask to be forgotten, so those who wait for their turn have no session of the pool.
 */
export class FeedbackChanges {
  /** Ends with the turn of whoever asked last. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /**
   * Commits what `work` does. Nothing is done when it rejects.
   * @throws SimiliError FEEDBACK_BUSY: others had the lock for as long as a statement of the request may take
   */
  async commit<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const before = this.last;
    let end = () => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.last = before.then(() => turn);
    try {
      const left = timeLeft();
      await inTime(before, left && { ...left, error: busy });
      return await this.db.$transaction(async (tx) => {
        await this.lockInTime(tx);
        return work(tx);
      }, CHANGING);
    } finally {
      end();
    }
  }

  private async lockInTime(tx: Transaction): Promise<void> {
    const left = timeLeft();
    if (left) await tx.$executeRaw`SELECT set_config('lock_timeout', ${`${Math.ceil(left.ms * WAITING)}ms`}, true)`;
    await lockFeedback(tx, this.catalogId).catch((error: unknown) => {
      throw sqlStateOf(error) === NOT_AVAILABLE ? busy() : error;
    });
  }
}

const busy = (): SimiliError => new SimiliError('FEEDBACK_BUSY', { retryAfter: RETRY_AFTER_SECONDS });
