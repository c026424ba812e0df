import { answerTo } from './answer.ts';
import type { SimiliError } from './errors.ts';
import { makeEventId, timeOf } from './ids.ts';
import { Store } from './store.ts';
import type { Way } from './way.ts';

/** How the events of this browser fare. */
export type Delivery = {
  /** Events that the server has not answered for. */
  waiting: number;
  /** Events of this page that the server has stored. */
  stored: number;
  /** Events that the server will never take; the console says why. */
  refused: number;
  /** The last attempt failed; there will be another. */
  failing: boolean;
  /** Whether what waits outlives the page. false: the browser keeps nothing, and what is not sent when the page ends is lost. */
  kept: boolean;
};
export type EventKind = 'impression' | 'click' | 'addToCart' | 'purchase' | 'dismiss' | 'view';
export type EventFacts = {
  recommendationId?: string;
  itemId?: string;
  itemIds?: readonly string[];
  orderId?: string;
};

type Event = { [kind: string]: EventFacts & { occurredAt?: string } };
type Stored = [visitor?: string, event?: Event];
/** `visitor`: '' of one without events. `ahead`: by which its events are dated. */
type Batch = { keys: string[]; visitor: string; events: Event[]; ahead: number };
type Verdict = {
  accepted: number;
  userErrors: { code: string; message: string; field: string[] | null }[];
};

const EVENTS_A_CALL = 100;
/** Browsers let a page leave at most 64 KiB behind. */
const BYTES_A_CALL = 60_000;
/** Older events give way when a server is away for very long. */
const MOST_WAITING = 1000;
/** As long as a list may be reported about. */
export const LIFETIME_MS = 7 * 86_400_000;
const SLOWEST_RETRY_S = 30;
const REQUEST_MS = 30_000;
/** Browsers' clocks may be wrong; the server forgives 5 minutes. */
const SKEW_MS = 60_000;
const AHEAD = 'simili.ahead';

/**
 * Keeps events until the server has answered for them: over failures, reloads, crashes and the end of the page, for all tabs of an origin. Each
 * event is a key of its own in storage, so no tab overwrites another's, and is sent under one eventId however often, so it counts once (ADR 25).
 */
export class Outbox {
  #store = new Store();
  /** Keys that a request of this page is about. */
  #inFlight = new Set<string>();
  #sending: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** How far the server's clock is ahead, milliseconds, by its last answer; kept with events, for the pages that follow. */
  #ahead;
  /** Time of the last event, milliseconds since 1970. */
  #last = 0;
  #stored = 0;
  #refused = 0;
  #way;
  #prefix;
  #onChange;

  constructor(way: Way, onChange: (delivery: Delivery) => void) {
    this.#way = way;
    this.#prefix = `simili ${way.name} `;
    this.#ahead = this.#store.read(AHEAD, 0);
    this.#onChange = onChange;
  }

  /** @returns the event's id. From now on it is the outbox's to bring it to the server. */
  add(visitor: string, kind: EventKind, facts: EventFacts): string {
    const now = Date.now();
    // Two of one millisecond keep their order; a clock that was put back is believed.
    this.#last = Math.max(now, Math.min(now + 999, this.#last + 1));
    const eventId = makeEventId(this.#last);
    const event = { [kind]: { eventId, ...facts } };
    if (this.#ahead) this.#store.set(AHEAD, String(this.#ahead));
    else this.#store.remove(AHEAD);
    this.#store.set(this.#prefix + eventId, JSON.stringify([visitor, event]));
    for (const key of this.#store.keys(this.#prefix).slice(0, -MOST_WAITING)) this.#store.remove(key);
    this.#tell();
    if (!this.#failures) this.#sendSoon(); // else the timer of the retry is running
    return eventId;
  }

  /** Sends all that waits. Settles when it is stored, or when the server did not take it (then it is tried again later). */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#sending ??= this.#alone(() => this.#sendAll()).finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** An answer came that was made `at` a time by the server's clock; NaN where the page is not shown it. */
  hear(at: number): void {
    const ahead = at - Date.now();
    if (at) this.#ahead = Math.abs(ahead) > SKEW_MS ? ahead : 0;
  }

  /** The page may be going: what is not on its way yet leaves with a request that outlives it. */
  leave(): void {
    const batch = this.#nextBatch();
    if (!batch.visitor) return;
    const beacon = () =>
      navigator.sendBeacon?.(
        this.#way.url,
        new Blob([this.#bodyOf(batch)], { type: this.#way.headers['content-type'] ?? '' }),
      );
    // Nobody hears what becomes of a beacon: its events stay, and are sent once more by the next page.
    if ('keepalive' in Request.prototype) this.#send(batch).catch(beacon);
    else beacon();
  }

  /** Forgets all that waits. */
  clear(): void {
    for (const key of this.#store.keys(this.#prefix)) this.#store.remove(key);
    this.#tell();
  }

  /** Soon, not at once: what happens together travels together. */
  #sendSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), 0);
  }

  /** One tab at a time, where the browser can; else two may send the same, which counts once. */
  async #alone(work: () => Promise<void>): Promise<void> {
    await (navigator.locks?.request(this.#prefix, work).catch(work) ?? work());
  }

  async #sendAll(): Promise<void> {
    try {
      for (let batch = this.#nextBatch(); batch.visitor; batch = this.#nextBatch()) await this.#send(batch);
      this.#failures = 0;
    } catch (error) {
      const seconds = Math.max(
        (error as SimiliError).retryAfter ?? 0,
        Math.min(2 ** this.#failures++, SLOWEST_RETRY_S),
      );
      // Not all browsers of a shop at the same moment.
      this.#timer = setTimeout(() => this.flush(), 1000 * seconds * (1 + Math.random() / 4));
    }
    this.#tell();
  }

  /** The oldest events of one visitor that nothing is on its way with. */
  #nextBatch(): Batch {
    const batch: Batch = { keys: [], visitor: '', events: [], ahead: this.#ahead };
    let bytes = 0;
    for (const key of this.#store.keys(this.#prefix)) {
      if (this.#inFlight.has(key)) continue;
      const [visitor, event] = this.#store.read<Stored>(key, []);
      const at = timeOf(key.slice(this.#prefix.length));
      if (!event || !visitor || !(at >= Date.now() - LIFETIME_MS)) {
        this.#store.remove(key); // another tab may have been faster
        continue;
      }
      if (batch.visitor && visitor !== batch.visitor) continue; // in a call of its own
      for (const facts of Object.values(event)) facts.occurredAt = new Date(at + batch.ahead).toISOString();
      bytes += new Blob([JSON.stringify(event)]).size;
      if (batch.keys.length === EVENTS_A_CALL || (batch.visitor && bytes > BYTES_A_CALL)) break;
      batch.visitor = visitor;
      batch.keys.push(key);
      batch.events.push(event);
    }
    return batch;
  }

  /** @throws SimiliError what may succeed later */
  async #send(batch: Batch): Promise<void> {
    const done = new Set(batch.keys);
    for (const key of batch.keys) this.#inFlight.add(key);
    try {
      const signal = AbortSignal.timeout?.(REQUEST_MS) ?? null;
      const request = { headers: this.#way.headers, body: this.#bodyOf(batch), keepalive: true, signal };
      const { value, at } = await answerTo<Verdict>(this.#way.url, request, 'submitFeedback');
      this.hear(at);
      this.#stored += value.accepted;
      for (const { code, message, field } of value.userErrors) {
        // This answer says that the clock is wrong: dated by it, the event is sent again.
        if (code === 'TIME_OUT_OF_RANGE' && Math.abs(this.#ahead - batch.ahead) > SKEW_MS)
          done.delete(batch.keys[Number(field?.[1])] ?? '');
        else {
          this.#refused++;
          console.warn(`Simili does not take an event: ${code}: ${message}`);
        }
      }
    } catch (error) {
      if ((error as SimiliError).retry !== false) throw error;
      this.#refused += batch.keys.length;
      console.warn(`Simili does not take ${batch.keys.length} events: ${error}`);
    } finally {
      for (const key of batch.keys) this.#inFlight.delete(key);
    }
    for (const key of done) this.#store.remove(key);
    this.#tell();
  }

  #bodyOf({ visitor, events }: Batch): string {
    return this.#way.bodyOf({ visitor: { id: visitor }, events });
  }

  #tell(): void {
    const waiting = this.#store.keys(this.#prefix).length;
    const failing = this.#failures > 0;
    this.#onChange({ waiting, stored: this.#stored, refused: this.#refused, failing, kept: this.#store.isKept });
  }
}
