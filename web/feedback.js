import { ask } from './api.js';
import { randomUuid, read, visitorId, write } from './ids.js';

const SUBMIT = `mutation Feedback($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { accepted duplicates rejected userErrors { message code field } }
}`;
const WAITING = 'simili.feedback';
const PER_CALL = 100;
/** Browsers let a page leave at most 64 KiB behind. */
const KEEPALIVE_BYTES = 60_000;
/** Older events give way when a server is away for very long. */
const MOST = 1000;

/**
 * @typedef {'impression' | 'click' | 'addToCart' | 'dismiss'} EventKind
 * @typedef {Partial<Record<EventKind, { eventId: string, occurredAt: string, recommendationId: string, itemId?: string, itemIds?: string[] }>>} FeedbackEvent
 */

/**
 * Keeps events until the server has answered for them: over failures, reloads, and the end of the page. An event is
 * sent again under its own eventId, so it counts once.
 */
export class Feedback {
  /** @type {FeedbackEvent[]} */
  #waiting = leftOver();
  #visitor = visitorId();
  /** @type {Promise<void> | null} */
  #sending = null;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #stored = 0;
  #onChange;

  /** @param {(state: { waiting: number, stored: number, failing: boolean }) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    addEventListener('online', () => this.flush());
    if (this.#waiting.length > 0) this.flush();
  }

  /**
   * @param {EventKind} kind
   * @param {{ recommendationId: string, itemId?: string, itemIds?: string[] }} about
   */
  add(kind, about) {
    this.#waiting.push({ [kind]: { eventId: randomUuid(), occurredAt: new Date().toISOString(), ...about } });
    this.#waiting.splice(0, this.#waiting.length - MOST);
    this.#changed();
    if (this.#failures > 0) return; // the timer of the retry is running
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), 150); // what happens together travels together
  }

  /** Sends all that waits. Settles when it is stored, or when the server did not take it (then it is tried again later). */
  async flush() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
    await this.#sending;
  }

  /** The page is going: one last call that outlives it. What it could not take is sent by the next page of this tab. */
  leave() {
    if (this.#waiting.length === 0) return;
    let events = this.#waiting.slice(0, PER_CALL);
    while (JSON.stringify(events).length > KEEPALIVE_BYTES) events = events.slice(0, events.length >> 1);
    if (events.length > 0) this.#send(events, true).catch(() => {});
  }

  async #sendAll() {
    try {
      while (this.#waiting.length > 0) await this.#send(this.#waiting.slice(0, PER_CALL), false);
      this.#failures = 0;
    } catch {
      this.#failures++;
      this.#timer = setTimeout(() => this.flush(), Math.min(1000 * 2 ** (this.#failures - 1), 30_000));
    }
    this.#changed();
  }

  /** @param {FeedbackEvent[]} events @param {boolean} keepalive @throws what may succeed later */
  async #send(events, keepalive) {
    const input = { visitor: { id: this.#visitor }, events };
    try {
      const { submitFeedback } =
        await /** @type {typeof ask<{ submitFeedback: { accepted: number, userErrors: { message: string }[] } }>} */ (
          ask
        )('/graphql', SUBMIT, { input }, { keepalive });
      this.#stored += submitFeedback.accepted;
      for (const { message } of submitFeedback.userErrors) console.warn(`Feedback was not taken: ${message}`);
    } catch (error) {
      if (/** @type {import('./api.js').ApiError} */ (error).retry !== false) throw error;
      console.warn(`Feedback was refused: ${/** @type {Error} */ (error).message}`);
    }
    this.#waiting = this.#waiting.filter((event) => !events.includes(event));
    this.#changed();
  }

  #changed() {
    write(sessionStorage, WAITING, this.#waiting.length > 0 ? JSON.stringify(this.#waiting) : null);
    this.#onChange({ waiting: this.#waiting.length, stored: this.#stored, failing: this.#failures > 0 });
  }
}

/** Events that an earlier page of this tab could not send. @returns {FeedbackEvent[]} */
function leftOver() {
  try {
    return JSON.parse(read(sessionStorage, WAITING) ?? '[]');
  } catch {
    return [];
  }
}
