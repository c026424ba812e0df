import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { signList } from '../../src/similarity/recommendation-id.ts';
import { SIGNING_KEY } from '../support/api.ts';
import { ask } from '../support/ask.ts';
import { freshDataDir } from '../support/embedded.ts';
import { proxyTo } from '../support/proxy.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';
import { startSimili } from '../support/simili-process.ts';

const SENDERS = 4;
const EVENTS = 25;

/** Where a killed server keeps what it acknowledged, and how it is brought down. */
type Trial = {
  readonly env: Record<string, string>;
  readonly command: readonly string[];
  readonly kills: number;
  /** Calls that are acknowledged between two kills. */
  readonly calls: number;
  /** Called after each kill but the last, counted from 0, while the senders go on. */
  readonly between?: (kill: number) => Promise<void>;
  readonly openStorage: () => Promise<Storage>;
};

const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted duplicates rejected } }';

/** A call of one visitor, with ids of its own: what is sent again is the same. */
function callOf(visitor: string) {
  const recommendationId = signList(SIGNING_KEY, {
    anchorId: 'a',
    modelId: 'model',
    firstPosition: 1,
    itemIds: ['b'],
    issuedAt: new Date(),
    filtered: false,
  });
  const occurredAt = new Date().toISOString();
  const events = Array.from({ length: EVENTS }, () => ({
    click: { eventId: crypto.randomUUID(), occurredAt, recommendationId, itemId: 'b' },
  }));
  return { input: { visitor: { id: visitor }, events } };
}

async function killUnderLoad({ env, command, kills, calls: perKill, between, openStorage }: Trial): Promise<number> {
  const start = () =>
    startSimili([...command], {
      SIMILI_SIGNING_KEY: SIGNING_KEY,
      SIMILI_FEEDBACK_RATE: '0',
      SIMILI_QUERY_RATE: '0',
      ...env,
    });
  let simili = await start();
  onTestFinished(() => simili.kill());

  let calls = 0;
  let sending = true;
  const acknowledged: string[] = [];
  const send = async (visitor: string): Promise<void> => {
    while (sending) {
      const call = callOf(visitor);
      for (let told = false; !told; ) {
        const answer = await ask(`${simili.url}/graphql`, SUBMIT, call).catch(() => null);
        const { accepted, duplicates, rejected } = answer?.data?.submitFeedback ?? {};
        told = accepted + duplicates === EVENTS && rejected === 0;
        if (!told) await sleep(20);
      }
      acknowledged.push(...call.input.events.map(({ click }) => click.eventId));
      calls += 1;
    }
  };
  const senders = Array.from({ length: SENDERS }, (_, i) => send(`visitor-${i}`));
  const more = async () => {
    for (const until = calls + perKill; calls < until; ) await sleep(5);
  };
  for (let kill = 0; kill < kills; kill++) {
    await more();
    await simili.kill();
    simili = await start();
    await between?.(kill);
  }
  await more();
  sending = false;
  await Promise.all(senders);
  await simili.kill();

  const storage = await openStorage();
  onTestFinished(() => storage.close());
  const stored = await storage.prisma.$queryRaw<
    { id: string }[]
  >`SELECT event_id::text AS id FROM simili.feedback_event`;
  expect(stored.map(({ id }) => id).sort()).toEqual(acknowledged.sort());
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  return acknowledged.length;
}

test('a server on the embedded database that is killed 3 times under load has every acknowledged event, once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-killed-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await freshDataDir(dir);
  await killUnderLoad({
    env: { SIMILI_DATA_DIR: dir },
    command: ['start', '--no-demo'],
    kills: 3,
    calls: 20,
    openStorage: () => openEmbedded(join(dir, 'database')),
  });
});

test('on Postgres 8 kills under load and 2 losses of every connection lose none of 8,000 events, and double none', {
  tags: ['postgres'],
}, async () => {
  await using database = await freshPostgresDatabase(postgresUrl());
  await using way = await proxyTo(database.url);
  const events = await killUnderLoad({
    env: { DATABASE_URL: way.url },
    command: ['serve'],
    kills: 8,
    calls: 36,
    async between(kill) {
      if (kill !== 2 && kill !== 5) return;
      way.cut(); // as a restart of Postgres looks from here: what was open is gone, and nobody answers for a while
      await sleep(500);
      way.restore();
    },
    openStorage: () => openPostgres(database.url),
  });
  expect(events).toBeGreaterThanOrEqual(8000);
});
