const SHARE = 0.5;
const MILLISECONDS = 1000;

/**
 * Products of one list that were really visible: at least half of an element for a second without a break, in a tab that was in front. Each product is
 * reported once: when all of the list were seen, when the list or the page is left, and before a click.
 */
export class Impression {
  #elements = new Map<Element, string>();
  /** Timers of elements in view, while the tab is in front. */
  #timers = new Map<Element, ReturnType<typeof setTimeout>>();
  #inView = new Set<Element>();
  #seen = new Set<string>();
  #reported = new Set<string>();
  #observer: IntersectionObserver | undefined;
  #total;
  #report;
  #onWatching;

  /**
   * @param total products in the list
   * @param report never given an empty list, nor a product twice
   * @param onWatching true with the first element that is watched, false after the last one and at the end
   */
  constructor(total: number, report: (itemIds: string[]) => void, onWatching: (watching: boolean) => void) {
    this.#total = total;
    this.#report = report;
    this.#onWatching = onWatching;
  }

  /** Watches the element that shows a product. @returns ends that */
  add(element: Element, itemId: string): () => void {
    if (this.#elements.size === 0) this.#begin();
    this.#elements.set(element, itemId);
    this.#observer?.observe(element);
    return () => this.#remove(element);
  }

  /** A product that was acted upon was seen, however short. */
  actedOn(itemId: string): void {
    this.#seen.add(itemId);
  }

  /** Tells what was seen and not told yet; goes on watching. */
  report(): void {
    const news = [...this.#seen].filter((itemId) => !this.#reported.has(itemId));
    for (const itemId of news) this.#reported.add(itemId);
    if (news.length > 0) this.#report(news);
  }

  /** The shopper agreed only now: what was seen before is not told, and what is in view is seen from now on. */
  restart(): void {
    this.#seen.clear();
    this.#reported.clear();
    for (const element of this.#inView) {
      this.#stop(element);
      this.#start(element);
    }
  }

  /** The list goes away. Tells what was seen. */
  end(): void {
    for (const element of this.#elements.keys()) this.#remove(element);
    this.report();
    this.#onWatching(false); // of a list without products there was no last element
  }

  #begin(): void {
    this.#observer = new IntersectionObserver((entries) => this.#onIntersection(entries), { threshold: SHARE });
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#onWatching(true);
  }

  #remove(element: Element): void {
    if (!this.#elements.delete(element)) return;
    this.#stop(element);
    this.#inView.delete(element);
    this.#observer?.unobserve(element);
    if (this.#elements.size > 0) return;
    this.report();
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#onWatching(false);
  }

  #onIntersection(entries: IntersectionObserverEntry[]): void {
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

  #onVisibility = (): void => {
    for (const element of this.#inView) {
      if (document.hidden) this.#stop(element);
      else this.#start(element);
    }
  };

  #start(element: Element): void {
    if (this.#timers.has(element) || document.hidden) return;
    const count = () => {
      const itemId = this.#elements.get(element);
      if (itemId !== undefined) this.#seen.add(itemId);
      if (this.#seen.size === this.#total) this.report();
    };
    this.#timers.set(element, setTimeout(count, MILLISECONDS));
  }

  #stop(element: Element): void {
    clearTimeout(this.#timers.get(element));
    this.#timers.delete(element);
  }
}
