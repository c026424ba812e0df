import pg from 'pg';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { seenPairs } from '../workers/evidence/training-set.ts';
import { keptDatabase } from './kept-database.ts';

const DAYS = 30;
const DAY_MS = 86_400_000;
/** Events that are written at once. */
const CHUNK = 250_000;
/** Limit of the memory of the process that derives. */
const MOST_MB = 1500;
type Row = Record<string, string | number>;
type Size = { events: number; products: number };

/**
 * Feedback of thirty days, rolled up and derived from, on the server of DATABASE_URL. One event in ten is an impression of twelve products;
 * popular products come more often. What takes long is told on stderr, and done in steps: a run with a name to keep goes on where one before it was ended.
 * @param options.events how many; a day of them is read anew by each derivation
 * @param options.keep name of a database that stays until the run has come to its end; '': one of its own
 */
export async function derivation({ keep, ...size }: Size & { keep: string }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: generated events are written by one statement of its server');
  if (keep === '') {
    await using database = await freshPostgresDatabase(admin);
    return await measured(database.url, size);
  }
  const database = await keptDatabase(admin, keep);
  const rows = await measured(database.url, size);
  await database.drop();
  return rows;
}

async function measured(url: string, size: Size): Promise<Row[]> {
  const storage = await openPostgres(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { feedback } = makeRepositories(storage, 'default');
    const now = await beganWith(client, size);
    const timed = async (what: string, work: () => Promise<unknown>) => {
      const since = performance.now();
      await work();
      await client.query(
        `INSERT INTO bench_step VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET seconds = bench_step.seconds + excluded.seconds`,
        [what, (performance.now() - since) / 1000],
      );
    };
    await generate(client, size, now, (work) => timed('generated', work));
    for (let day = DAYS; day >= 0; day--) {
      const until = new Date(now.getTime() - day * DAY_MS);
      if ((await feedback.days.pending(until)) === 0) continue;
      await timed('days rolled up, once each', () => feedback.days.rollUp(until));
      process.stderr.write(`rolled up until ${until.toISOString()}\n`);
    }
    const ids = Array.from({ length: size.products }, (_, i) => `p${i}`);
    let derived = 0;
    for (const what of ['derivation, with the open day', 'derivation again']) {
      await client.query('DELETE FROM bench_step WHERE what = $1', [what]);
      await timed(what, async () => {
        derived = (await seenPairs(feedback, now, ids)).pairs.length;
      });
    }
    return await rowsOf(client, size, derived);
  } finally {
    await client.end();
    await storage.close();
  }
}

/** Seconds of each step, of all runs that it took, the disk that the database takes, and the most memory that this process had. */
async function rowsOf(client: pg.Client, { events, products }: Size, derived: number): Promise<Row[]> {
  const { rows } = await client.query<{ what: string; seconds: number; diskMb: number }>(
    `SELECT what, seconds, (pg_database_size(current_database()) / 1048576)::int AS "diskMb" FROM bench_step ORDER BY place`,
  );
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  return rows.map(({ what, seconds, diskMb }) => {
    const row: Row = { what, events, products, seconds: Number(seconds.toFixed(1)), diskMb };
    if (!what.startsWith('derivation')) return row;
    return { ...row, rows: derived, peakMb, limitMb: MOST_MB, met: peakMb <= MOST_MB ? 'yes' : 'NO' };
  });
}

/** The moment up to which there are events: when the first run began. @throws Error where that was one of another size */
async function beganWith(client: pg.Client, { events, products }: Size): Promise<Date> {
  await client.query(
    'CREATE TABLE IF NOT EXISTS bench_run (events int, products int, began timestamptz DEFAULT now())',
  );
  await client.query('CREATE TABLE IF NOT EXISTS bench_step (what text PRIMARY KEY, seconds float8, place serial)');
  await client.query('INSERT INTO bench_run SELECT $1::int, $2::int WHERE NOT EXISTS (SELECT FROM bench_run)', [
    events,
    products,
  ]);
  const [run] = (await client.query('SELECT * FROM bench_run')).rows;
  if (run.events !== events || run.products !== products)
    throw new Error(
      `the kept database has ${run.events} events about ${run.products} products: drop it, or ask for these`,
    );
  return run.began;
}

/** Events in chunks, each in a commit of its own; those that are there are not written again. */
async function generate(
  client: pg.Client,
  { events, products }: Size,
  now: Date,
  timed: (work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const [{ n }] = (await client.query('SELECT count(*)::int AS n FROM simili.feedback_event')).rows;
  for (let from = n; from < events; from += CHUNK) {
    const to = Math.min(events, from + CHUNK);
    await timed(async () => {
      await client.query('SELECT setseed($1)', [from / events]);
      await client.query(EVENTS, [events, products, DAYS, now, from, to - 1]);
    });
    process.stderr.write(`${to} events\n`);
  }
  await client.query('ANALYZE simili.feedback_event');
}

const EVENTS = `
  INSERT INTO simili.feedback_event
    (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, received_at, list_id, listed_at)
  SELECT 'default', gen_random_uuid(),
    (CASE WHEN i % 10 = 0 THEN 'IMPRESSION' WHEN i % 97 = 0 THEN 'PURCHASE' ELSE 'CLICK' END)::simili.feedback_kind,
    'v' || (i / 20), 'p' || anchor,
    CASE WHEN i % 10 = 0 THEN ARRAY(SELECT 'p' || (anchor + k) % $2::int FROM generate_series(1, 12) AS k)
      ELSE ARRAY['p' || (anchor + 1 + i % 12) % $2::int] END,
    CASE WHEN i % 10 = 0 THEN ARRAY(SELECT generate_series(1, 12)) ELSE ARRAY[1 + i % 12] END,
    'm', received, received, md5('list ' || i / 10)::uuid, received - interval '1 minute'
  FROM (
    SELECT i, floor(random() ^ 3 * $2::int)::int AS anchor,
      $4::timestamptz - make_interval(secs => i::float8 / $1::int * $3::int * 86400) AS received
    FROM generate_series($5::int, $6::int) AS i
  ) AS e`;
