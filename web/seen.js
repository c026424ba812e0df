const SHARE = 0.5;
const MILLISECONDS = 1000;

/**
 * The impression of one list: which of its elements were really visible, at least half of each for a second without a
 * break, in a tab that was in front. Reports once: when all were seen, or when the list is left.
 */
export class Impression {
  #seen = new Set();
  #done = false;
  /** @type {Map<Element, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /** @type {Set<Element>} */
  #inView = new Set();
  #ids;
  #report;
  #observer;

  /**
   * @param {string} recommendationId of the list
   * @param {Map<Element, string>} ids element to product id
   * @param {(itemIds: string[]) => void} report called at most once, never with an empty list
   */
  constructor(recommendationId, ids, report) {
    this.recommendationId = recommendationId;
    this.#ids = ids;
    this.#report = report;
    this.#observer = new IntersectionObserver((entries) => this.#onIntersection(entries), { threshold: SHARE });
    for (const element of ids.keys()) this.#observer.observe(element);
    document.addEventListener('visibilitychange', this.#onVisibility);
  }

  /** A product that was acted upon was seen, however short. @param {string} id */
  actedOn(id) {
    if (!this.#done) this.#seen.add(id);
  }

  /** The list goes away, or its lesson is wanted now. Later calls change nothing. */
  leave() {
    if (this.#done) return;
    this.#done = true;
    this.#observer.disconnect();
    document.removeEventListener('visibilitychange', this.#onVisibility);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const itemIds = [...this.#ids.values()].filter((id) => this.#seen.has(id));
    if (itemIds.length > 0) this.#report(itemIds);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onIntersection(entries) {
    for (const { target, intersectionRatio } of entries) {
      if (intersectionRatio >= SHARE) {
        this.#inView.add(target);
        this.#start(target);
      } else {
        this.#inView.delete(target);
        this.#stop(target);
      }
    }
  }

  #onVisibility = () => {
    for (const target of this.#inView) {
      if (document.hidden) this.#stop(target);
      else this.#start(target);
    }
  };

  /** @param {Element} target */
  #start(target) {
    if (this.#timers.has(target) || document.hidden) return;
    const count = () => {
      this.#seen.add(this.#ids.get(target));
      if (this.#seen.size === this.#ids.size) this.leave();
    };
    this.#timers.set(target, setTimeout(count, MILLISECONDS));
  }

  /** @param {Element} target */
  #stop(target) {
    clearTimeout(this.#timers.get(target));
    this.#timers.delete(target);
  }
}
