import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openPostgres } from '../src/db/postgres.ts';
import { makeRepositories } from '../src/db/repositories.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { type Call, EVENTS, overHttp, rawInsert, storing, type Way } from './feedback-calls.ts';
import { percentile } from './running.ts';

const ROUNDS = 5;
const CALLS_OF_A_ROUND = { Postgres: 200, embedded: 40 };
const HTTP_CLIENTS = 8;
/** How long calls come at half the rate that was reached. */
const PACED_SECONDS = 10;
/** Limits: share of a raw INSERT's rate, the 99th percentile of an acknowledgement, and events a second of the embedded database. */
const LEAST_SHARE = 0.5;
const LONGEST_P99_MS = 100;
const LEAST_EMBEDDED = 500;

type Row = Record<string, string | number>;

/**
 * Events stored a second, 50 a call, beside a raw INSERT of the same rows, in turns; and how long an acknowledgement takes while calls come at half that
 * rate. By the repository and over HTTP, on the server of DATABASE_URL; over HTTP on the embedded database.
 */
export async function feedback(): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  const onServer = admin ? await onPostgres(admin) : [];
  return [...onServer, await onEmbedded()];
}

async function onPostgres(admin: string): Promise<Row[]> {
  await using database = await freshPostgresDatabase(admin);
  const storage = await openPostgres(database.url);
  const raw = new pg.Client({ connectionString: database.url });
  await raw.connect();
  const simili = await overHttp(['serve'], /Listening on (\S+)/, { DATABASE_URL: database.url });
  try {
    const { feedback: repository } = makeRepositories(storage, 'default');
    const insert = storing((visitor, events) => rawInsert(raw, visitor, events));
    const append = storing((visitor, events) => repository.append(visitor, events));
    const rates = await inTurns(CALLS_OF_A_ROUND.Postgres, [
      { way: insert, clients: 1 },
      { way: append, clients: 1 },
      { way: simili.way, clients: HTTP_CLIENTS },
    ]);
    const [ofRaw, ofAppend, ofHttp] = rates as [number[], number[], number[]];
    const shareOf = (own: readonly number[]) => Number(median(own.map((rate, i) => rate / ofRaw[i]!)).toFixed(2));
    const share = shareOf(ofAppend);
    const stored = await acknowledged(append, median(ofAppend) / 2);
    const answered = await acknowledged(simili.way, median(ofHttp) / 2);
    return [
      row('raw multi-row INSERT', 'Postgres', 1, median(ofRaw)),
      {
        ...row('FeedbackRepository.append', 'Postgres', 1, median(ofAppend)),
        shareOfRaw: share,
        ...stored,
        limit: `share >= ${LEAST_SHARE}, p99 <= ${LONGEST_P99_MS} ms`,
        met: isMet(share >= LEAST_SHARE && stored.p99 <= LONGEST_P99_MS),
      },
      {
        ...row('submitFeedback', 'Postgres', HTTP_CLIENTS, median(ofHttp)),
        shareOfRaw: shareOf(ofHttp),
        ...answered,
        limit: `p99 <= ${LONGEST_P99_MS} ms`,
        met: isMet(answered.p99 <= LONGEST_P99_MS),
      },
    ];
  } finally {
    await simili.close();
    await raw.end();
    await storage.close();
  }
}

async function onEmbedded(): Promise<Row> {
  const simili = await overHttp(['start', '--no-demo'], /API at (\S+)/, {});
  try {
    const [rates] = await inTurns(CALLS_OF_A_ROUND.embedded, [{ way: simili.way, clients: HTTP_CLIENTS }]);
    const rate = median(rates!);
    return {
      ...row('submitFeedback', 'embedded', HTTP_CLIENTS, rate),
      ...(await acknowledged(simili.way, rate / 2)),
      limit: `${LEAST_EMBEDDED} events/s`,
      met: isMet(rate >= LEAST_EMBEDDED),
    };
  } finally {
    await simili.close();
  }
}

const row = (way: string, database: string, clients: number, rate: number) => ({
  way,
  database,
  clients,
  eventsPerSecond: Math.round(rate),
});
const median = (all: readonly number[]): number => percentile(all, 0.5);
const isMet = (holds: boolean): string => (holds ? 'yes' : 'NO');

/** Events a second of each way in each round: what else the machine does meets all of them. */
async function inTurns(callsOfARound: number, ways: readonly { way: Way; clients: number }[]): Promise<number[][]> {
  const rates = ways.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, { way, clients }] of ways.entries()) {
      const rate = await rateOf(way(callsOfARound), clients);
      if (round >= 0) rates[i]!.push(rate); // the first one is to get warm
    }
  }
  return rates;
}

async function rateOf(all: readonly Call[], clients: number): Promise<number> {
  const waiting = [...all];
  const since = performance.now();
  const client = async () => {
    for (let call = waiting.shift(); call; call = waiting.shift()) await call();
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (all.length * EVENTS * 1000) / (performance.now() - since);
}

/** Calls come at a fixed rate, whether those before are answered or not, and are timed from when each was to come. */
async function acknowledged(way: Way, eventsPerSecond: number) {
  const everyMs = (1000 * EVENTS) / eventsPerSecond;
  const all = way(Math.ceil((1000 * PACED_SECONDS) / everyMs));
  const since = performance.now();
  const times = await Promise.all(
    all.map(async (call, i) => {
      const due = since + i * everyMs;
      await sleep(due - performance.now());
      await call();
      return performance.now() - due;
    }),
  );
  const at = (share: number) => Number(percentile(times, share).toFixed(1));
  return { atRate: Math.round(eventsPerSecond), p50: at(0.5), p99: at(0.99) };
}
