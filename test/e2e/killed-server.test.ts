import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.ts';
import { signList } from '../../src/similarity/recommendation-id.ts';
import { SIGNING_KEY } from '../support/api.ts';
import { ask } from '../support/ask.ts';
import { startSimili } from '../support/simili-process.ts';

const KILLS = 3;
const SENDERS = 4;
const EVENTS = 25;
/** Calls that are acknowledged between two kills. */
const CALLS = 20;

const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted duplicates rejected } }';

/** A call of one visitor, with ids of its own: what is sent again is the same. */
function callOf(visitor: string) {
  const recommendationId = signList(SIGNING_KEY, {
    ...{ anchorId: 'a', modelId: 'model', firstPosition: 1, itemIds: ['b'], issuedAt: new Date(), filtered: false },
  });
  const occurredAt = new Date().toISOString();
  const events = Array.from({ length: EVENTS }, () => ({
    click: { eventId: crypto.randomUUID(), occurredAt, recommendationId, itemId: 'b' },
  }));
  return { input: { visitor: { id: visitor }, events } };
}

test(`a server on the embedded database that is killed ${KILLS} times under load has every acknowledged event, once`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-killed-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const env = {
    SIMILI_DATA_DIR: dir,
    SIMILI_SIGNING_KEY: SIGNING_KEY,
    SIMILI_FEEDBACK_RATE: '0',
    SIMILI_QUERY_RATE: '0',
  };
  const start = () => startSimili(['start', '--no-demo'], env);
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
    for (const until = calls + CALLS; calls < until; ) await sleep(5);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    await more();
    await simili.kill();
    simili = await start();
  }
  await more();
  sending = false;
  await Promise.all(senders);
  await simili.kill();

  const storage = await openEmbedded(join(dir, 'database'));
  onTestFinished(() => storage.close());
  const stored = await storage.prisma.$queryRaw<
    { id: string }[]
  >`SELECT event_id::text AS id FROM simili.feedback_event`;
  expect(stored.map(({ id }) => id).sort()).toEqual(acknowledged.sort());
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
});
