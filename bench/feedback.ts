import pg from 'pg';
import type { FeedbackWrite } from '../src/db/feedback.ts';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';

const CALLS = 150;
const EVENTS = 100;
const ITEMS = 12;

/** Events stored a second on the server of DATABASE_URL: 100 a call, beside a raw INSERT of the same rows in the same run. */
export async function feedback(): Promise<Record<string, string | number>[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: on the embedded database there is no raw statement to compare with');
  await using database = await freshPostgresDatabase(admin);
  return await measured(database.url);
}

async function measured(url: string) {
  const storage = await openPostgres(url);
  const raw = new pg.Client({ connectionString: url });
  await raw.connect();
  try {
    const { feedback: repository } = makeRepositories(storage, 'default');
    const append = (visitor: string, events: FeedbackWrite[]) => repository.append(visitor, events);
    const insert = (visitor: string, events: FeedbackWrite[]) => rawInsert(raw, visitor, events);
    await rateOf(append, 10); // warm
    await rateOf(insert, 10);
    const [ours, theirs] = [await rateOf(append, CALLS), await rateOf(insert, CALLS)];
    return [
      { way: 'FeedbackRepository.append', eventsPerSecond: Math.round(ours) },
      { way: 'raw multi-row INSERT', eventsPerSecond: Math.round(theirs) },
      { way: 'share', eventsPerSecond: (ours / theirs).toFixed(2) },
    ];
  } finally {
    await raw.end();
    await storage.close();
  }
}

async function rateOf(store: (visitor: string, events: FeedbackWrite[]) => Promise<unknown>, calls: number) {
  const batches = Array.from({ length: calls }, () => oneCall());
  const since = performance.now();
  for (const [i, events] of batches.entries()) await store(`visitor-${i}`, events);
  return (calls * EVENTS * 1000) / (performance.now() - since);
}

/** Ten lists, each with an impression and nine events about one product. */
function oneCall(): FeedbackWrite[] {
  const lists = Array.from({ length: EVENTS / 10 }, () => crypto.randomUUID());
  return Array.from({ length: EVENTS }, (_, i) => event(i, lists[Math.floor(i / 10)]!));
}

function event(i: number, listId: string): FeedbackWrite {
  const itemIds = Array.from({ length: i % 10 === 0 ? ITEMS : 1 }, (_, k) => `product-${1000 + k}`);
  return {
    eventId: crypto.randomUUID(),
    kind: i % 10 === 0 ? 'IMPRESSION' : 'CLICK',
    anchorId: `product-${i}`,
    itemIds,
    positions: itemIds.map((_, k) => k + 1),
    modelId: 'mdl_2f0c5a0e-7d5f-4a57-8a38-3d8b5a1c9e11',
    occurredAt: new Date(),
    listId,
    listedAt: new Date(),
    listExpiresAt: new Date(Date.now() + 6e8),
    filtered: false,
  };
}

async function rawInsert(client: pg.Client, visitor: string, events: readonly FeedbackWrite[]): Promise<void> {
  const rows = events.map((e) => [
    ...['default', e.eventId, e.kind, visitor, e.anchorId, e.itemIds, e.positions, e.modelId, e.occurredAt, e.filtered],
  ]);
  const places = rows.map((row, i) => `(${row.map((_, j) => `$${i * row.length + j + 1}`).join(',')})`);
  await client.query(
    `INSERT INTO simili.feedback_event
      (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, filtered) VALUES ${places.join(',')}`,
    rows.flat(),
  );
}
