import pg from 'pg';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { seenPairs } from '../workers/evidence/training-set.ts';

const DAYS = 30;
const PRODUCTS = 5000;
const MB = 2 ** 20;
type Row = Record<string, string | number>;

/**
 * Feedback of thirty days, rolled up and derived from, on the server of DATABASE_URL. One event in ten is an impression of twelve products;
 * popular products come more often.
 * @param events how many; a day of them is read anew by each derivation
 */
export async function derivation(events: number): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: generated events are written by one statement of its server');
  await using database = await freshPostgresDatabase(admin);
  const storage = await openPostgres(database.url);
  try {
    await generate(database.url, events);
    const { feedback } = makeRepositories(storage, 'default');
    const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);
    const rows: Row[] = [];
    const measure = async (what: string, work: () => Promise<number>) => {
      const since = performance.now();
      const found = await work();
      const seconds = (performance.now() - since) / 1000;
      rows.push({
        what,
        events,
        rows: found,
        seconds: seconds.toFixed(1),
        rssMB: Math.round(process.memoryUsage().rss / MB),
      });
    };
    const now = new Date();
    const derive = async () => (await seenPairs(feedback, now, ids)).pairs.length;
    await measure('days rolled up, once each', () => feedback.days.rollUp(now));
    await measure('derivation, with the open day', derive);
    await measure('derivation again', derive);
    return rows;
  } finally {
    await storage.close();
  }
}

async function generate(url: string, events: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SELECT setseed(.5)');
    await client.query(
      `INSERT INTO simili.feedback_event
        (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, received_at, list_id, listed_at)
      SELECT 'default', gen_random_uuid(),
        (CASE WHEN i % 10 = 0 THEN 'IMPRESSION' WHEN i % 97 = 0 THEN 'PURCHASE' ELSE 'CLICK' END)::simili.feedback_kind,
        'v' || (i / 20), 'p' || anchor,
        CASE WHEN i % 10 = 0 THEN ARRAY(SELECT 'p' || (anchor + k) % $2::int FROM generate_series(1, 12) AS k)
          ELSE ARRAY['p' || (anchor + 1 + i % 12) % $2::int] END,
        CASE WHEN i % 10 = 0 THEN ARRAY(SELECT generate_series(1, 12)) ELSE ARRAY[1 + i % 12] END,
        'm', received, received, md5('list ' || i / 10)::uuid, received - interval '1 minute'
      FROM (
        SELECT i, floor(random() ^ 3 * $2::int)::int AS anchor, now() - make_interval(secs => i::float8 / $1::int * $3::int * 86400) AS received
        FROM generate_series(0, $1::int - 1) AS i
      ) AS e`,
      [events, PRODUCTS, DAYS],
    );
    await client.query('ANALYZE simili.feedback_event');
  } finally {
    await client.end();
  }
}
