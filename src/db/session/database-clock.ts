import { startDeadline, within } from '../../deadline.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ask } from '../sql/ask.ts';
import { float } from '../sql/row.ts';

/** After this the database is asked again: clocks of two machines drift by some milliseconds a minute at most. */
const SOUND_MS = 60_000;
/** Time for an answer beside the work, ms: of a database that is frozen none would come. */
const PATIENCE = { statementMs: 5000, requestMs: 5000 };

/**
 * The database's time, known without asking it each time: it is asked now, and then once a minute beside the work. Between, the time
 * that has passed here is added, which no change of this machine's clock can touch. It is never ahead of the database, and behind by a
 * round trip at most: what is set to be due now is due at once.
 * @param monotonic milliseconds; never goes back
 */
export async function openDatabaseClock(ask: Ask, monotonic = () => performance.now()): Promise<Clock> {
  const measure = async (): Promise<Sample> => {
    const [row] = await ask({ text: STATEMENT, row: { ms: float } }, []);
    return { ms: row!.ms, at: monotonic() };
  };
  let sample = await measure();
  let measuring = false;
  let last = Number.NEGATIVE_INFINITY;
  const refresh = (): void => {
    measuring = true;
    // While the database is away the old sample is good enough.
    within(startDeadline(PATIENCE), measure).then(
      (next) => {
        sample = next;
        measuring = false;
      },
      () => {
        sample = { ms: sample.ms + monotonic() - sample.at, at: monotonic() };
        measuring = false;
      },
    );
  };
  return {
    now() {
      const passed = monotonic() - sample.at;
      if (passed >= SOUND_MS && !measuring) refresh();
      last = Math.max(last, Math.floor(sample.ms + passed));
      return new Date(last);
    },
  };
}

/** The database's time, and when its answer was here. */
type Sample = { readonly ms: number; readonly at: number };

const STATEMENT = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms';
