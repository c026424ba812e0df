import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const inRoot = (path: string) => new URL(`../../../${path}`, import.meta.url).href;
const { Outbox } = await import(inRoot('client/outbox.ts'));
const { asText } = await import(inRoot('client/way.ts'));
const { makeEventId, timeOf } = await import(inRoot('client/ids.ts'));

type Sent = {
  visitor: { id: string };
  events: Record<string, { eventId: string; itemId: string; occurredAt: string }>[];
};
type Delivery = { waiting: number; stored: number; refused: number; failing: boolean; kept: boolean };
/** How a request ends: stored and told, stored and the answer lost, or never there. */
type Fate = 'answered' | 'answer lost' | 'away';

const DAY_MS = 86_400_000;
const answer = (body: object, headers = {}) => new Response(JSON.stringify(body), { headers });

/** As localStorage: its own properties are its keys. */
function fakeStorage({ full = false } = {}): Storage {
  const methods = {
    getItem: (key: string) => all[key] ?? null,
    setItem(key: string, value: string) {
      if (full) throw new DOMException('full', 'QuotaExceededError');
      all[key] = value;
    },
    removeItem: (key: string) => delete all[key],
  };
  const all = Object.create(methods);
  return all;
}

/** Stores each eventId once, as the server does. */
class FakeServer {
  readonly stored = new Map<string, string>();
  readonly calls: Sent[] = [];
  readonly beacons: Sent[] = [];
  fates: Fate[] = [];
  /** Answers in the server's place. */
  refusal: (() => Response) | undefined;

  async post(_url: string, { body }: { body: string }): Promise<Response> {
    const fate = this.fates.shift() ?? 'answered';
    if (fate === 'away') throw new TypeError('Failed to fetch');
    if (this.refusal) return this.refusal();
    const { accepted, userErrors } = this.#take(JSON.parse(body));
    if (fate === 'answer lost') throw new TypeError('Failed to fetch');
    return answer({ data: { submitFeedback: { accepted, rejected: userErrors.length, userErrors } } });
  }

  async beacon(_url: string, body: Blob): Promise<void> {
    this.beacons.push(JSON.parse(await body.text()));
  }

  #take(sent: Sent) {
    this.calls.push(sent);
    let accepted = 0;
    const userErrors = [];
    for (const { eventId, itemId } of sent.events.flatMap((event) => Object.values(event))) {
      if (itemId === 'stranger') userErrors.push({ code: 'NOT_IN_LIST', message: itemId });
      else if (!this.stored.has(eventId)) accepted++;
      if (itemId !== 'stranger') this.stored.set(eventId, itemId);
    }
    return { accepted, userErrors };
  }
}

let server: FakeServer;
let delivery: Delivery;
const open = (url = '/feedback') => new Outbox(asText(url), (now: Delivery) => Object.assign(delivery, now));
const click = (outbox: InstanceType<typeof Outbox>, itemId = 'mug', visitor = 'v'): string =>
  outbox.add(visitor, 'click', { recommendationId: 'list', itemId });

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  delivery = { waiting: 0, stored: 0, refused: 0, failing: false, kept: true };
  vi.stubGlobal('localStorage', fakeStorage());
  vi.stubGlobal('fetch', (url: string, request: { body: string }) => server.post(url, request));
  vi.stubGlobal('navigator', { sendBeacon: (url: string, body: Blob) => void server.beacon(url, body) });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('event ids are UUIDs of version 7, sort in the order of time, and say when they were made', () => {
  const times = [0, 1, 255, 1_700_000_000_000, 2 ** 48 - 1];
  const ids: string[] = times.map(makeEventId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.map(timeOf)).toEqual(times);
  expect(new Set(Array.from({ length: 1000 }, () => makeEventId(7))).size).toBe(1000);
});

test('what happens together travels together, and what the server stored is forgotten', async () => {
  const outbox = open();
  const ids = [click(outbox), click(outbox)];
  expect(delivery).toMatchObject({ waiting: 2, kept: true });
  await vi.advanceTimersByTimeAsync(0);
  expect(server.calls).toHaveLength(1);
  expect([...server.stored.keys()]).toEqual(ids);
  expect(delivery).toEqual({ waiting: 0, stored: 2, refused: 0, failing: false, kept: true });
  expect(Object.keys(localStorage)).toEqual([]);
});

test('an event is dated by the clock of its moment, also when that is put back', async () => {
  const outbox = open();
  const times = [0, -3_600_000].map((wrong) => {
    vi.setSystemTime(Date.now() + wrong);
    click(outbox);
    return Date.now();
  });
  await vi.advanceTimersByTimeAsync(0);
  const told = server.calls.flatMap(({ events }) => events.map(({ click }) => Date.parse(click?.occurredAt ?? '')));
  for (const [i, time] of times.toReversed().entries()) expect(Math.abs(told[i]! - time)).toBeLessThan(1000);
});

test('an event is sent again under its own id, later and later, until there is an answer', async () => {
  server.fates = ['away', 'answer lost', 'away'];
  const id = click(open());
  await vi.advanceTimersByTimeAsync(0);
  expect(delivery).toMatchObject({ waiting: 1, failing: true });
  await vi.advanceTimersByTimeAsync(999);
  expect(server.calls).toHaveLength(0); // not before a second
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.calls.map(({ events }) => events[0]?.click?.eventId)).toEqual([id, id]);
  expect(delivery).toMatchObject({ waiting: 0, failing: false });
});

test('a server that says when to come again is left alone until then; a page of a proxy is no answer', async () => {
  const extensions = { code: 'RATE_LIMITED', retry: true, retryAfter: 20 };
  server.refusal = () => answer({ errors: [{ message: 'Too much', extensions }] });
  click(open());
  await vi.advanceTimersByTimeAsync(1000);
  server.refusal = () => new Response('<h1>Bad gateway</h1>', { status: 404 });
  await vi.advanceTimersByTimeAsync(18_900);
  server.refusal = undefined;
  expect(delivery).toMatchObject({ waiting: 1, failing: true });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(delivery).toMatchObject({ waiting: 0, stored: 1, refused: 0 });
});

test('what the server will never take is told on the console and given up, and the rest of the call is stored', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const outbox = open();
  for (const item of ['mug', 'stranger', 'jug']) click(outbox, item);
  await vi.advanceTimersByTimeAsync(0);
  expect(delivery).toMatchObject({ waiting: 0, stored: 2, refused: 1 });
  server.refusal = () =>
    answer({ errors: [{ message: 'looks like an e-mail', extensions: { code: 'INVALID_ARGUMENT', retry: false } }] });
  click(outbox);
  await vi.advanceTimersByTimeAsync(0);
  expect(delivery).toMatchObject({ waiting: 0, stored: 2, refused: 2 });
  expect(warn.mock.calls.flat().join()).toMatch(/NOT_IN_LIST.*e-mail/);
});

test('a call has at most 100 events, of one visitor, and fits into what a page may leave behind', async () => {
  server.fates = ['away'];
  const outbox = open();
  const another = Array.from({ length: 4 }, (_, i) => [i === 0 ? 'mug' : 'long '.repeat(5000), 'another'] as const);
  const mine = Array.from({ length: 150 }, () => ['mug', 'v'] as const);
  for (const [item, visitor] of [...mine.slice(0, 1), ...another, ...mine.slice(1)]) {
    vi.setSystemTime(Date.now() + 1);
    click(outbox, item, visitor);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.calls.map(({ visitor, events }) => [visitor.id, events.length])).toEqual([
    ['v', 100],
    ['another', 3],
    ['another', 1],
    ['v', 50],
  ]);
});

test('of more than a thousand events that wait the oldest give way, and none is older than its list', async () => {
  server.fates = ['away'];
  const outbox = open();
  const old = click(outbox);
  await vi.advanceTimersByTimeAsync(0);
  vi.setSystemTime(Date.now() + 7 * DAY_MS + 1);
  const first = click(outbox);
  vi.setSystemTime(Date.now() + 1);
  for (let i = 0; i < 999; i++) click(outbox);
  expect(delivery.waiting).toBe(1000);
  await outbox.flush();
  expect(server.stored.size).toBe(1000);
  expect([server.stored.has(old), server.stored.has(first)]).toEqual([false, true]);
  const older = click(outbox);
  vi.setSystemTime(Date.now() + 7 * DAY_MS + 2000);
  await outbox.flush();
  expect(server.stored.has(older)).toBe(false);
  expect(delivery.waiting).toBe(0);
});

test.each([
  ['forbidden', () => undefined],
  ['full', () => fakeStorage({ full: true })],
])('where storage is %s, events are sent from memory', async (_, storage) => {
  vi.stubGlobal('localStorage', storage());
  const outbox = open();
  click(outbox);
  expect(delivery).toMatchObject({ waiting: 1, kept: false });
  await vi.advanceTimersByTimeAsync(0);
  expect(delivery).toMatchObject({ waiting: 0, stored: 1, kept: true });
});

test('what somebody else wrote under our keys stops nothing', async () => {
  localStorage.setItem('simili /feedback 0', 'no JSON');
  localStorage.setItem('simili /feedback 1', 'null');
  localStorage.setItem('simili /feedback?catalog=de 2', '["v",{"click":{}}]');
  click(open());
  await vi.advanceTimersByTimeAsync(0);
  expect(server.calls.map(({ events }) => events.length)).toEqual([1]);
  expect(Object.keys(localStorage)).toEqual(['simili /feedback?catalog=de 2']); // another catalog's
});

test('a page that goes sends what is not on its way yet: by fetch where that outlives the page, else by a beacon', async () => {
  const outbox = open();
  const id = click(outbox);
  outbox.leave();
  outbox.leave(); // hidden, then gone
  await vi.advanceTimersByTimeAsync(0);
  expect(server.calls.map(({ events }) => events[0]?.click?.eventId)).toEqual([id]);
  vi.stubGlobal('Request', class {});
  server.fates = Array(9).fill('away');
  const other = click(outbox);
  outbox.leave();
  await vi.waitFor(() => expect(server.beacons.map(({ events }) => events[0]?.click?.eventId)).toEqual([other]));
  expect(delivery.waiting).toBe(1); // nobody heard what became of it
});

const fate = fc.constantFrom<Fate>('answered', 'answer lost', 'away');
const step = fc.oneof(
  fc.record({ does: fc.constant('click' as const), tab: fc.nat(2) }),
  fc.record({ does: fc.constant('time' as const), tab: fc.nat(5000) }),
  fc.record({ does: fc.constantFrom('leave' as const, 'crash' as const, 'flush' as const), tab: fc.nat(2) }),
);

test('whatever three tabs, the network and the ends of pages do, in the end each event is stored once', async () => {
  const run = async (steps: { does: string; tab: number }[], fates: Fate[]) => {
    server = new FakeServer();
    server.fates = [...fates];
    vi.stubGlobal('localStorage', fakeStorage());
    const tabs = [open(), open(), open()];
    const clicked: string[] = [];
    for (const { does, tab } of steps) {
      const at = tab % 3;
      if (does === 'click') clicked.push(click(tabs[at]));
      else if (does === 'time') await vi.advanceTimersByTimeAsync(tab);
      else if (does === 'leave') tabs[at].leave();
      else if (does === 'flush') void tabs[at].flush();
      else {
        vi.clearAllTimers(); // nothing is left of the old page but what it wrote
        tabs[at] = open();
      }
    }
    server.fates = [];
    for (const tab of tabs) await tab.flush();
    await vi.advanceTimersByTimeAsync(120_000);
    expect([...server.stored.keys()].sort()).toEqual(clicked.sort());
    expect(Object.keys(localStorage)).toEqual([]);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(fate, { maxLength: 20 }), run), {
    numRuns: 100,
  });
});
