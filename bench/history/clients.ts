import { randomUUID } from 'node:crypto';
import type { Random } from '../../learning/numbers/random.ts';
import { spacesOf } from '../../src/db/models.ts';
import { SimiliError } from '../../src/errors.ts';
import { eraseVisitors } from '../../src/feedback/erase.ts';
import { quarantineFeedback, releaseFeedback } from '../../src/feedback/quarantine.ts';
import { submitFeedback } from '../../src/feedback/submit.ts';
import { signList } from '../../src/similarity/recommendation-id.ts';
import type { FakeWorker } from '../../test/support/fake-worker.ts';
import type { Recorder } from './recorder.ts';
import { retrainOnce } from './retraining.ts';

const KEY = 'history-signing-key-0123456789-0123456789';
const ANCHORS = 8;
const MOST_OF_A_CALL = 5;
const KEEP_STANDBY = 2;

type Entry = { item: string; click: { eventId: string; occurredAt: string; recommendationId: string; itemId: string } };

export const visitorName = (i: number): string => `visitor-${i}-`;
/** Operations by how often they are drawn, per thousand. */
const SHARES = {
  submit: 680,
  derive: 20,
  erase: 60,
  quarantine: 30,
  release: 30,
  read: 80,
  rollback: 45,
  retire: 15,
  retrain: 40,
};

/** One of several clients of a shop: does one random operation after the other. */
export function makeClient(worker: FakeWorker, random: Random, visitors: number, record: Recorder) {
  const { feedback, erasures, quarantines, models, embeddings } = worker.database.repositories;
  const sent = new Map<string, Entry[]>();
  const held: string[] = [];
  const visitor = () => visitorName(random.int(visitors));

  const entryOf = (name: string): Entry => {
    const item = `${name}${randomUUID()}`;
    const recommendationId = signList(KEY, {
      anchorId: `anchor-${random.int(ANCHORS)}`,
      modelId: 'model',
      firstPosition: 1,
      itemIds: [item],
      issuedAt: new Date(),
      filtered: false,
    });
    return {
      item,
      click: { eventId: randomUUID(), occurredAt: new Date().toISOString(), recommendationId, itemId: item },
    };
  };
  /** New ones, and some that were sent before. */
  const entriesOf = (name: string): Entry[] => {
    const before = sent.get(name) ?? [];
    const entries = Array.from({ length: 1 + random.int(MOST_OF_A_CALL) }, () =>
      before.length > 0 && random.int(3) === 0 ? before[random.int(before.length)]! : entryOf(name),
    );
    sent.set(name, [...before, ...entries].slice(-20));
    return entries;
  };
  const known = () => {
    const ids = record.pointer.flatMap((op) => (op.kind === 'promote' ? [op.id] : []));
    return ids[ids.length - 1 - random.int(Math.min(ids.length, 6))] ?? 'mdl_never';
  };

  const operations: Record<keyof typeof SHARES, () => Promise<void>> = {
    async submit() {
      const name = visitor();
      const entries = entriesOf(name);
      const called = record.tick();
      const answer = await submitFeedback(
        { feedback, signingKey: KEY, now: () => new Date() },
        { id: name, consents: true },
        entries.map(({ click }) => ({ click })),
      );
      if (answer.rejections.length > 0) record.faults.push(`refused: ${answer.rejections[0]!.error.message}`);
      const items = entries.map(({ item }) => item);
      const { accepted } = answer;
      record.feedback.push({ called, answered: record.tick(), kind: 'submit', visitor: name, items, accepted });
    },
    async erase() {
      const names = Array.from(new Set(Array.from({ length: 1 + random.int(3) }, visitor)));
      const called = record.tick();
      const since = performance.now();
      const receipt = await eraseVisitors({ erasures }, names);
      record.erasing.push(performance.now() - since);
      const events = receipt?.events ?? 0;
      record.feedback.push({ called, answered: record.tick(), kind: 'erase', visitors: names, events });
      if (random.int(4) === 0) await erasures.forgetInLists();
    },
    async quarantine() {
      const name = visitor();
      const called = record.tick();
      const { id } = await quarantineFeedback({ quarantines }, { visitorId: name, reason: 'a history' });
      held.push(id);
      record.feedback.push({ called, answered: record.tick(), kind: 'quarantine', visitor: name, id });
    },
    async release() {
      const id = held.splice(random.int(held.length || 1), 1)[0];
      if (id === undefined) return;
      const called = record.tick();
      const code = await codeOf(releaseFeedback({ quarantines }, id));
      if (code !== null && code !== 'NOT_FOUND') record.faults.push(`release: ${code}`); // an erasure takes it along
      record.feedback.push({ called, answered: record.tick(), kind: 'release', id });
    },
    async derive() {
      const called = record.tick();
      const rows = await feedback.days.statistics(new Date(Date.now() + 60_000));
      const items = new Set(rows.map(({ itemId }) => itemId));
      record.feedback.push({ called, answered: record.tick(), kind: 'derive', items });
    },
    async read() {
      const called = record.tick();
      const pointer = await models.serving();
      const seen = pointer && { id: pointer.modelId, epoch: pointer.epoch };
      record.pointer.push({ called, answered: record.tick(), kind: 'read', seen });
    },
    async rollback() {
      const target = random.int(3) === 0 ? known() : null;
      const called = record.tick();
      const got = await models.rollback(target).then(({ id }) => id, codeOfError);
      record.pointer.push({ called, answered: record.tick(), kind: 'rollback', target, got });
    },
    /** As maintenance does (workers/handlers/maintenance.ts), each version an operation. */
    async retire() {
      for (const { id } of await models.retirable(KEEP_STANDBY)) {
        for (let pauses = random.int(4); pauses > 0; pauses--) await models.serving();
        if (!record.pointer.some((op) => op.kind === 'promote' && op.id === id)) continue; // its job has not answered
        const called = record.tick();
        const retired = await models.markRetired(id);
        record.pointer.push({ called, answered: record.tick(), kind: 'retire', id, retired });
      }
      for (const one of await models.retiredWithVectors()) await embeddings.dropTables(one.number, spacesOf(one));
    },
    retrain: () => retrainOnce(worker, random, record),
  };
  const names = Object.keys(SHARES) as (keyof typeof SHARES)[];
  const drawn = names.flatMap((name) => Array<typeof name>(SHARES[name]).fill(name));
  return () => operations[drawn[random.int(drawn.length)]!]();
}

const codeOfError = (error: unknown): string => {
  if (error instanceof SimiliError) return error.code;
  throw error;
};
const codeOf = (work: Promise<unknown>): Promise<string | null> => work.then(() => null, codeOfError);
