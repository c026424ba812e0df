import { join } from 'node:path';
import type pg from 'pg';
import { Agent, request } from 'undici';
import type { FeedbackWrite } from '../src/db/feedback.ts';
import { signList } from '../src/similarity/recommendation-id.ts';
import { startCommand, temporaryDir } from './running.ts';

/** Events of a call, and of a list: an impression of twelve products and nine clicks. */
export const EVENTS = 50;
const EVENTS_OF_A_LIST = 10;
const ITEMS = 12;
const MODEL = 'mdl_2f0c5a0e-7d5f-4a57-8a38-3d8b5a1c9e11';
const KEY = 'feedback-signing-key-0123456789-0123456789';
const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted rejected userErrors { message } } }';

/** A call that was made beforehand. */
export type Call = () => Promise<unknown>;
/** Makes calls of `EVENTS` events each, of which no one was sent before. */
export type Way = (calls: number) => Call[];

/** Calls as the API makes them of what it was sent. */
export const storing =
  (store: (visitor: string, events: FeedbackWrite[]) => Promise<unknown>): Way =>
  (count) =>
    Array.from({ length: count }, () => {
      const [visitor, events] = [crypto.randomUUID(), writesOfCall()];
      return () => store(visitor, events);
    });

/** Simili on a data directory of its own, and how its API is told of events. */
export async function overHttp(args: readonly string[], ready: RegExp, settings: Record<string, string>) {
  const dir = await temporaryDir();
  const simili = await startCommand(args, ready, {
    SIMILI_DATA_DIR: join(dir.path, 'data'),
    SIMILI_SIGNING_KEY: KEY,
    SIMILI_FEEDBACK_RATE: '0',
    SIMILI_QUERY_RATE: '0',
    NODE_ENV: 'production',
    ...settings,
  });
  const dispatcher = new Agent({ connections: 64 });
  const headers = { 'content-type': 'application/json' };
  const submit = async (body: string) => {
    const answer = await request(`${simili.url}/graphql`, { dispatcher, method: 'POST', headers, body });
    const { data } = (await answer.body.json()) as { data?: { submitFeedback?: { accepted: number } } };
    if (data?.submitFeedback?.accepted !== EVENTS) throw new Error(`not all stored: ${JSON.stringify(data)}`);
  };
  const way: Way = (count) =>
    Array.from({ length: count }, () => {
      const input = { visitor: { id: crypto.randomUUID() }, events: entriesOfCall() };
      const body = JSON.stringify({ query: SUBMIT, variables: { input } });
      return () => submit(body);
    });
  return {
    way,
    async close() {
      await dispatcher.close();
      await simili.kill();
      await dir.remove();
    },
  };
}

const itemsOf = (isImpression: boolean): string[] =>
  Array.from({ length: isImpression ? ITEMS : 1 }, (_, k) => `product-${1000 + k}`);

/** As they are stored. */
function writesOfCall(): FeedbackWrite[] {
  const lists = Array.from({ length: EVENTS / EVENTS_OF_A_LIST }, () => crypto.randomUUID());
  return Array.from({ length: EVENTS }, (_, i): FeedbackWrite => {
    const isImpression = i % EVENTS_OF_A_LIST === 0;
    const itemIds = itemsOf(isImpression);
    return {
      eventId: crypto.randomUUID(),
      kind: isImpression ? 'IMPRESSION' : 'CLICK',
      anchorId: `product-${i}`,
      itemIds,
      positions: itemIds.map((_, k) => k + 1),
      modelId: MODEL,
      occurredAt: new Date(),
      listId: lists[Math.floor(i / EVENTS_OF_A_LIST)]!,
      listedAt: new Date(),
      listExpiresAt: new Date(Date.now() + 6e8),
      filtered: false,
    };
  });
}

/** As a storefront sends them. */
function entriesOfCall(): object[] {
  let recommendationId = '';
  return Array.from({ length: EVENTS }, (_, i) => {
    const isImpression = i % EVENTS_OF_A_LIST === 0;
    if (isImpression)
      recommendationId = signList(KEY, {
        anchorId: `product-${i}`,
        modelId: MODEL,
        firstPosition: 1,
        itemIds: itemsOf(true),
        issuedAt: new Date(),
        filtered: false,
      });
    const [itemId, ...others] = itemsOf(isImpression);
    const about = { eventId: crypto.randomUUID(), occurredAt: new Date().toISOString(), recommendationId };
    return isImpression ? { impression: { ...about, itemIds: [itemId, ...others] } } : { click: { ...about, itemId } };
  });
}

/** The same columns as are stored, in one statement, and nothing else: no list is counted, nothing that came twice is looked for. */
export async function rawInsert(client: pg.Client, visitor: string, events: readonly FeedbackWrite[]): Promise<void> {
  const rows = events.map((e) => [
    ...['default', e.eventId, e.kind, visitor, e.anchorId, e.itemIds, e.positions, e.modelId, e.occurredAt, e.filtered],
    ...['default', e.listId, e.listedAt],
  ]);
  const places = rows.map((one, i) => `(${one.map((_, j) => `$${i * one.length + j + 1}`).join(',')})`);
  await client.query(
    `INSERT INTO simili.feedback_event
      (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, filtered, placement, list_id, listed_at)
     VALUES ${places.join(',')}`,
    rows.flat(),
  );
}
