import { setTimeout as sleep } from 'node:timers/promises';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { type FakeWorker, fakeWorker } from '../test/support/fake-worker.ts';
import { makeClient, visitorName } from './history/clients.ts';
import { feedbackAnomalies } from './history/feedback.ts';
import { firstWrongAnswer } from './history/pointer.ts';
import type { Recorder } from './history/recorder.ts';
import { percentile } from './running.ts';

const CLIENTS = 8;
const VISITORS = 40;
const PRODUCTS = 24;
/** Days before today on which every visitor has done something: days that are rolled up once, and again when something is taken out. */
const PAST_DAYS = 4;
type Row = Record<string, string | number>;

/**
 * Random operations of several clients on one shop, and whether any order of them explains every answer: what was acknowledged is there once, what was erased
 * is nowhere and in no later derivation, and the pointer to the version that serves follows promotions and rollbacks. One row a seed, told on stderr when it is
 * over, and one of all; on Postgres where DATABASE_URL names a server, else on the embedded database.
 * @param options.seed the first one
 */
export async function history(options: { seed: number; seeds: number; operations: number }): Promise<Row[]> {
  const rows: Row[] = [];
  for (let i = 0; i < options.seeds; i++) {
    const row = await historyOf(options.seed + i, options.operations);
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  }
  const sums = (names: readonly string[]): Row =>
    Object.fromEntries(names.map((name) => [name, rows.reduce((sum, row) => sum + Number(row[name]), 0)]));
  const all = sums(COUNTED);
  return [...rows, { seed: 'all', on: rows[0]!.on!, ...all, limit: 0, met: all.anomalies === 0 ? 'yes' : 'NO' }];
}

const COUNTED = [
  ...['operations', 'seconds', 'submits', 'erasures', 'quarantines', 'derivations', 'retrains', 'rollbacks', 'retired'],
  'anomalies',
];

async function historyOf(seed: number, operations: number): Promise<Row> {
  await using worker = await fakeWorker(PRODUCTS, process.env.DATABASE_URL || undefined);
  const random = makeRandom(seed);
  let moment = 0;
  const record: Recorder = { pointer: [], feedback: [], faults: [], erasing: [], tick: () => ++moment };
  await fillPast(worker, record);
  let left = operations;
  const since = performance.now();
  const work = async () => {
    const client = makeClient(worker, random, VISITORS, record);
    while (left-- > 0) {
      await client();
      await sleep(0);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  const seconds = (performance.now() - since) / 1000;
  const anomalies = [
    ...record.faults,
    ...(await anomaliesOf(worker, record)),
    ...(await tracesOfErased(worker, random, record)),
  ];
  for (const anomaly of anomalies.slice(0, 20)) process.stderr.write(`seed ${seed}: ${anomaly}\n`);
  const count = (kind: string) => [...record.pointer, ...record.feedback].filter((op) => op.kind === kind).length;
  return {
    seed,
    on: process.env.DATABASE_URL ? 'Postgres' : 'PGlite',
    operations,
    seconds: Math.round(seconds),
    submits: count('submit'),
    erasures: count('erase'),
    quarantines: count('quarantine'),
    derivations: count('derive'),
    retrains: count('promote'),
    rollbacks: count('rollback'),
    retired: count('retire'),
    longestErasureMs: Math.round(percentile(record.erasing, 1)),
    anomalies: anomalies.length,
  };
}

async function anomaliesOf({ database }: FakeWorker, record: Recorder): Promise<string[]> {
  const stored = await database.storage.prisma.feedbackEvent.findMany({ select: { itemIds: true } });
  const wrong = firstWrongAnswer(record.pointer);
  return [
    ...(wrong ? [`no order explains ${JSON.stringify(wrong)}`] : []),
    ...feedbackAnomalies(
      record.feedback,
      stored.map(({ itemIds }) => itemIds[0]!),
    ),
  ];
}

/** Erases half of the visitors and looks for their names, in which those of their items begin, in every row of every table, after the next derivation. */
async function tracesOfErased({ database }: FakeWorker, random: Random, record: Recorder): Promise<string[]> {
  const { erasures, feedback } = database.repositories;
  const names = Array.from({ length: VISITORS }, (_, i) => visitorName(i)).filter(() => random.int(2) === 0);
  const since = performance.now();
  for (let from = 0; from < names.length; from += 10) await erasures.erase(names.slice(from, from + 10));
  await erasures.forgetInLists();
  record.erasing.push(performance.now() - since);
  await feedback.days.statistics(new Date());
  const { prisma } = database.storage;
  const tables = await prisma.$queryRaw<{ name: string }[]>`
    SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'simili' AND table_type = 'BASE TABLE'`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await prisma.$queryRawUnsafe<{ n: number }[]>(
      `SELECT count(*)::int AS n FROM simili."${name}" AS t WHERE EXISTS (SELECT FROM unnest($1::text[]) AS v WHERE strpos(t::text, v) > 0)`,
      names,
    );
    if (rows[0]!.n > 0) found.push(`${rows[0]!.n} rows of ${name} tell of visitors who were erased`);
  }
  const lists = await prisma.$queryRaw<{ n: number }[]>`
    SELECT count(*)::int AS n FROM simili.shown_list WHERE visitors && ARRAY(SELECT hashtextextended(v, 0) FROM unnest(${names}::text[]) AS v)`;
  if (lists[0]!.n > 0) found.push(`${lists[0]!.n} lists know visitors who were erased`);
  return found;
}

async function fillPast({ database }: FakeWorker, record: Recorder): Promise<void> {
  const { feedback } = database.repositories;
  for (let day = PAST_DAYS; day >= 1; day--) {
    for (let v = 0; v < VISITORS; v++) {
      const visitor = visitorName(v);
      const items = [`${visitor}past-${day}-a`, `${visitor}past-${day}-b`];
      const called = record.tick();
      await feedback.append(
        visitor,
        items.map((item) => pastEvent(item, `anchor-${day}`)),
      );
      record.feedback.push({ called, answered: record.tick(), kind: 'submit', visitor, items, accepted: items.length });
    }
    await database.storage.prisma.$executeRaw`
      UPDATE simili.feedback_event SET received_at = now() - make_interval(days => ${day + 1}::int)
      WHERE received_at > now() - interval '1 day'`;
  }
}

const pastEvent = (item: string, anchorId: string) => ({
  eventId: crypto.randomUUID(),
  kind: 'CLICK' as const,
  anchorId,
  itemIds: [item],
  positions: [1],
  modelId: 'model',
  occurredAt: new Date(),
  listId: crypto.randomUUID(),
  listedAt: new Date(),
  listExpiresAt: new Date(Date.now() + 6e8),
  filtered: false,
});
