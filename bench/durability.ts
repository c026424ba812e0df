import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { shuffled } from '../learning/numbers/shuffled.ts';
import { signList } from '../src/similarity/recommendation-id.ts';
import { type OwnPostgres, ownPostgres } from './own-postgres.ts';
import { startCommand, temporaryDir } from './running.ts';

const SIGNING_KEY = 'durability-signing-key-0123456789-0123456789';
const CLIENTS = 20;
const MOST_COPIES = 5;
const EVENTS_OF_A_VISITOR = 500;
const EVENTS_OF_A_LIST = 10;
const MOST_OF_A_CALL = 100;
/** Share of the calls without an answer that are not sent again: the shopper has left. */
const LEFT = 0.1;
const PAUSE_MS = 250;
const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted duplicates rejected userErrors { code } } }';

type Sent = { eventId: string; occurredAt: string; recommendationId: string; itemId: string };
type Call = { visitor: string; events: Sent[] };
type Verdict = { accepted: number; duplicates: number; rejected: number };
type Row = Record<string, string | number>;
export type Trouble = { events: number; kills: number; restarts: number; seed: number };

/**
 * Events that were acknowledged and are not stored, or are stored twice, after an API that was killed and a Postgres that was restarted. Each event is sent
 * one to five times, in random order and in calls of other sizes, by 20 clients over HTTP. Some calls without an answer are never sent again: their events
 * were never acknowledged, and may be stored or not.
 */
export async function durability({ events, kills, restarts, seed }: Trouble): Promise<Row[]> {
  await using postgres = await ownPostgres();
  const random = makeRandom(seed);
  const calls = callsOf(events, random);
  const supervisor = await supervise(postgres.url);
  const sender = { calls, next: 0, unanswered: 0, acknowledged: new Set<string>(), accepted: 0, rejected: 0 };
  const since = performance.now();
  try {
    const clients = Array.from({ length: CLIENTS }, () => deliver(sender, supervisor, random));
    await Promise.all([...clients, trouble({ kills, restarts }, sender, supervisor, postgres, random)]);
  } finally {
    await supervisor.end();
  }
  const seconds = (performance.now() - since) / 1000;
  const stored = await storedIn(postgres.url);
  const acknowledged = [...sender.acknowledged];
  const copies = calls.reduce((sum, call) => sum + call.events.length, 0);
  return [
    {
      events,
      copies,
      calls: calls.length,
      kills: supervisor.kills,
      restarts,
      seconds: Math.round(seconds),
      unansweredTries: sender.unanswered,
      acknowledged: acknowledged.length,
      stored: stored.distinct.size,
      storedNeverAcknowledged: [...stored.distinct].filter((id) => !sender.acknowledged.has(id)).length,
      lost: acknowledged.filter((id) => !stored.distinct.has(id)).length,
      double: stored.rows - stored.distinct.size,
      // Each event is accepted once at most; the answer that said so may have been lost.
      acceptedTwice: Math.max(0, sender.accepted - stored.distinct.size),
      rejected: sender.rejected,
    },
  ];
}

type Sender = {
  readonly calls: readonly Call[];
  next: number;
  unanswered: number;
  readonly acknowledged: Set<string>;
  accepted: number;
  rejected: number;
};

async function deliver(sender: Sender, server: Supervisor, random: Random): Promise<void> {
  for (let call = sender.calls[sender.next++]; call; call = sender.calls[sender.next++]) {
    for (;;) {
      const verdict = await submit(server.url(), call).catch(() => null);
      if (verdict) {
        sender.accepted += verdict.accepted;
        sender.rejected += verdict.rejected;
        if (verdict.rejected === 0) for (const { eventId } of call.events) sender.acknowledged.add(eventId);
        break;
      }
      sender.unanswered += 1;
      if (random.next() < LEFT) break;
      await sleep(PAUSE_MS);
      await server.started();
    }
  }
}

/** @returns null where it was not answered, or with an error of the whole */
async function submit(url: string, { visitor, events }: Call): Promise<Verdict | null> {
  const input = { visitor: { id: visitor }, events: events.map((click) => ({ click })) };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: SUBMIT, variables: { input } }),
  });
  const { data } = (await response.json()) as {
    data?: { submitFeedback?: (Verdict & { userErrors: object[] }) | null };
  };
  const verdict = data?.submitFeedback;
  // Refused as a whole, for want of a database: nothing was acknowledged.
  return verdict && verdict.accepted + verdict.duplicates > 0 ? verdict : null;
}

/** Kills and restarts at even steps of what is sent, a random while after each. A third of the kills fall into a Postgres that is down. */
async function trouble(
  { kills, restarts }: Pick<Trouble, 'kills' | 'restarts'>,
  sender: Sender,
  server: Supervisor,
  postgres: OwnPostgres,
  random: Random,
): Promise<void> {
  const steps = Array.from({ length: Math.max(kills, restarts) }, (_, i) => ({
    kill: i < kills,
    restart:
      Math.floor(((i + 1) * restarts) / Math.max(kills, restarts)) >
      Math.floor((i * restarts) / Math.max(kills, restarts)),
  }));
  let down = 0;
  for (const [i, { kill, restart }] of steps.entries()) {
    while (sender.next < (sender.calls.length * (i + 0.5)) / steps.length) await sleep(10);
    await server.started(); // else a kill would wait, in a Postgres that is down, for a server that waits for it
    await sleep(random.int(300));
    const end = kill ? () => server.kill() : async () => {};
    if (!restart) await end();
    else if (down++ % 3 === 2) await postgres.restart('immediate', end);
    else {
      await postgres.restart(down % 2 ? 'immediate' : 'fast');
      await end();
    }
  }
}

type Supervisor = Awaited<ReturnType<typeof supervise>>;

/** `simili serve`, started again whenever it was killed, as a service manager does. */
async function supervise(database: string) {
  const dir = await temporaryDir();
  const start = async () => {
    for (;;) {
      const settings = {
        DATABASE_URL: database,
        SIMILI_DATA_DIR: dir.path,
        SIMILI_SIGNING_KEY: SIGNING_KEY,
        NODE_ENV: 'production',
        SIMILI_FEEDBACK_RATE: '0',
        SIMILI_QUERY_RATE: '0',
      };
      const started = await startCommand(['serve'], /Listening on (\S+)/, settings).catch(() => null);
      if (started) return started;
    }
  };
  let simili = await start();
  let starting = Promise.resolve();
  let kills = 0;
  return {
    url: () => simili.url,
    started: () => starting,
    get kills() {
      return kills;
    },
    /** Kills it and starts the next one, which is not waited for: Postgres may be down. The next kill waits. */
    async kill() {
      await starting;
      starting = simili.kill().then(async () => {
        kills += 1;
        simili = await start();
      });
    },
    async end() {
      await starting;
      await simili.kill();
      await dir.remove();
    },
  };
}

/** Calls that hold each event one to five times. Calls of one visitor are mixed among those of all. */
function callsOf(events: number, random: Random): Call[] {
  const calls: Call[] = [];
  for (let from = 0; from < events; from += EVENTS_OF_A_VISITOR) {
    const visitor = `visitor-${from / EVENTS_OF_A_VISITOR}`;
    const own = eventsOf(visitor, from, Math.min(EVENTS_OF_A_VISITOR, events - from));
    const copies = shuffled(
      own.flatMap((event) => Array<Sent>(1 + random.int(MOST_COPIES)).fill(event)),
      random,
    );
    for (let at = 0; at < copies.length; ) {
      const size = 1 + random.int(MOST_OF_A_CALL);
      calls.push({ visitor, events: copies.slice(at, at + size) });
      at += size;
    }
  }
  return shuffled(calls, random);
}

function eventsOf(visitor: string, from: number, count: number): Sent[] {
  const events: Sent[] = [];
  let recommendationId = '';
  for (let i = 0; i < count; i++) {
    if (i % EVENTS_OF_A_LIST === 0)
      recommendationId = signList(SIGNING_KEY, {
        anchorId: `a${(from + i) % 1000}`,
        modelId: 'model',
        firstPosition: 1,
        itemIds: Array.from({ length: EVENTS_OF_A_LIST }, (_, k) => `b${k}`),
        issuedAt: new Date(),
        filtered: false,
      });
    events.push({
      eventId: uuidOf(`${visitor} ${from + i}`),
      occurredAt: new Date().toISOString(),
      recommendationId,
      itemId: `b${i % EVENTS_OF_A_LIST}`,
    });
  }
  return events;
}

const uuidOf = (text: string): string =>
  createHash('md5')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

async function storedIn(url: string): Promise<{ rows: number; distinct: Set<string> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>('SELECT event_id::text AS id FROM simili.feedback_event');
    return { rows: rows.length, distinct: new Set(rows.map(({ id }) => id)) };
  } finally {
    await client.end();
  }
}
