import { databaseUnavailable } from '../../deadline.ts';

/** Pause between two tries of a database that is away, ms. */
const PAUSE_MS = 1000;

/**
 * Fails fast: while the database is away, one caller a second tries it and all others are told at once, so that its dead
 * connections do not cost each of them the whole wait.
 */
export class Circuit {
  private open = false;
  private nextTry = 0;
  private lastSuccess = Number.NEGATIVE_INFINITY;
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @throws SimiliError DATABASE_UNAVAILABLE: it was away a moment ago. */
  check(): void {
    if (!this.open) return;
    if (this.now() < this.nextTry) throw databaseUnavailable('it did not answer a moment ago');
    this.nextTry = this.now() + PAUSE_MS;
  }

  /** It answered, be it with an error. */
  succeeded(): void {
    this.open = false;
    this.lastSuccess = this.now();
  }

  /** It did not answer a caller who asked at `since`: a slow statement says nothing when others were answered meanwhile. */
  failed(since: number): void {
    if (this.lastSuccess > since) return;
    this.open = true;
    this.nextTry = this.now() + PAUSE_MS;
  }
}
