import { answerTo } from './answer.ts';
import { makeVisitorId } from './ids.ts';
import { Impression } from './impression.ts';
import { type ListOptions, type Product, type SimilarItems, similarItemsDocument } from './list.ts';
import { type Delivery, type EventFacts, type EventKind, LIFETIME_MS, Outbox } from './outbox.ts';
import { Store } from './store.ts';
import { asMutation, asText } from './way.ts';

export type ClientOptions = {
  /** Where Simili is, e.g. https://api.shop.example. Left out: the origin of the page. */
  url?: string;
  /**
   * A GraphQL endpoint of the shop's own that has Simili's fields (the plugin, a federation router): lists and events go there, and not to `url`.
   */
  graphql?: string;
  /** A catalog other than the server's usual one. */
  catalog?: string;
  /** Did the shopper agree that what he does is kept? false: nothing is written, and nothing is sent, until he does. Left out: true. */
  consent?: boolean;
  /** A pseudonym of 1 to 128 characters. Left out: one that is drawn once for this browser. */
  visitorId?: string;
  /** Is told what became of events. */
  onDelivery?: (delivery: Delivery) => void;
};

/** A list, or what is left of one. */
export type ListOf = Pick<SimilarItems, 'recommendationId'> & Partial<Pick<SimilarItems, 'status'>>;
type ItemEvent = 'addToCart' | 'purchase' | 'dismiss';
type Opened = [itemId: string, recommendationId: string, at: number];

const VISITOR = 'simili.visitor';
const OPENED = 'simili.opened';
const MOST_OPENED = 50;

/**
 * Similar products for a storefront, and what shoppers saw and did, on its way to the server whatever the page meets. One for a page, made once.
 * On a server it asks for lists and sends no events.
 */
export class SimiliClient {
  #url;
  #graphql;
  #options;
  #headers: Record<string, string>;
  #outbox: Outbox | undefined;
  #store = new Store();
  #watching = new Map<string, Impression>();
  #consent: boolean;
  /** Where it is remembered which products were opened from which lists: a list is of one catalog. */
  #openedIn;

  constructor(options: ClientOptions = {}) {
    const { url = '', graphql, catalog, consent = true } = options;
    this.#options = options;
    this.#url = url.replace(/\/+$/, '');
    this.#graphql = graphql ?? `${this.#url}/graphql`;
    this.#headers = { 'content-type': 'application/json', ...(catalog && { 'simili-catalog': catalog }) };
    this.#consent = consent;
    this.#openedIn = catalog ? `${OPENED} ${catalog}` : OPENED;
    if (typeof document === 'undefined') return;
    const feedback = `${this.#url}/feedback${catalog ? `?catalog=${encodeURIComponent(catalog)}` : ''}`;
    const way = graphql ? asMutation(graphql, this.#headers) : asText(feedback);
    this.#outbox = new Outbox(way, (delivery) => options.onDelivery?.(delivery));
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#leave() : this.#resume()));
    addEventListener('pagehide', () => this.#leave());
    addEventListener('online', () => this.#resume());
    queueMicrotask(() => this.#resume()); // what the last page left over
  }

  /** The pseudonym that goes with this browser's events: the shop's own, or one that is drawn and kept. '': no consent, so none is drawn. */
  get visitorId(): string {
    const known = this.#options.visitorId || this.#store.get(VISITOR); // '': a shop that knows none yet
    if (known || !this.#consent) return known ?? '';
    this.#store.set(VISITOR, makeVisitorId());
    return this.#store.get(VISITOR) ?? '';
  }

  get consent(): boolean {
    return this.#consent;
  }

  /** Taken back, what waits is not sent any more, and the visitor's pseudonym and lists are forgotten here. */
  set consent(given: boolean) {
    const isNew = given && !this.#consent;
    this.#consent = given;
    if (isNew) for (const impression of this.#watching.values()) impression.restart();
    if (given) {
      this.#resume();
    } else {
      this.#outbox?.clear();
      for (const key of this.#store.keys('simili.')) this.#store.remove(key);
    }
  }

  /**
   * Products that look like this one.
   * @throws SimiliError by its code: docs/errors.md; UNREACHABLE where no answer came.
   */
  async similarItems<P = Product>(id: string, { fields, signal, ...page }: ListOptions = {}): Promise<SimilarItems<P>> {
    const body = JSON.stringify({ query: similarItemsDocument(fields), variables: { id, ...page } });
    // Also where a framework keeps what its pages fetch: a list is for one shopper.
    const request: RequestInit = { headers: this.#headers, body, cache: 'no-store', signal: signal ?? null };
    const { value, at } = await answerTo<Omit<SimilarItems<P>, 'nodes'>>(this.#graphql, request, 'similarItems');
    this.#outbox?.hear(at);
    const nodes = value.edges.map(({ node }) => node);
    // Of other fields, `image` need not have an address, nor be one.
    for (const { image } of nodes as unknown as { image?: { url?: string } | null }[])
      if (image?.url?.startsWith('/')) image.url = this.#url + image.url;
    return { ...value, nodes };
  }

  /** The impression of a list: `add` the elements that show its products. The same list has the same one. */
  watch({ nodes, ...list }: ListOf & Pick<SimilarItems<{ id: string }>, 'nodes'>): Impression {
    const { recommendationId } = list;
    const known = this.#watching.get(recommendationId);
    if (known) return known;
    const report = (itemIds: string[]) => void this.#track('impression', list, { itemIds });
    const impression = new Impression(nodes.length, report, (watching) => {
      if (watching) this.#watching.set(recommendationId, impression);
      else if (this.#watching.get(recommendationId) === impression) this.#watching.delete(recommendationId);
    });
    this.#watching.set(recommendationId, impression);
    return impression;
  }

  /** The shopper opens a product of a list. Its list is remembered for what follows. @returns the event's id; null: nothing is sent */
  click(itemId: string, list: ListOf): string | null {
    if (this.#consent && isRanked(list)) this.#remember(itemId, list);
    const impression = this.#watching.get(list.recommendationId);
    impression?.actedOn(itemId);
    impression?.report(); // what was seen comes before what came of it, and the page may be going
    return this.#track('click', list, { itemId });
  }

  /** @param list left out: the one from which the product was opened @returns the event's id; null: there is none, or no consent */
  addToCart(itemId: string, list?: ListOf): string | null {
    return this.#act('addToCart', itemId, list);
  }

  /** As `addToCart`. With an `orderId` no list is needed, and a product of an order counts once however often it is told. */
  purchase(itemId: string, about: Partial<ListOf> & { orderId?: string } = {}): string | null {
    const { recommendationId, orderId } = about;
    const list = recommendationId ? { ...about, recommendationId } : undefined;
    if (orderId == null) return this.#act('purchase', itemId, list);
    return this.#add('purchase', { itemId, orderId, ...(list && isRanked(list) && { recommendationId }) });
  }

  /**
   * The page of a product is open, however the shopper got there; one that the browser only prepares is so once it is shown.
   * @returns the event's id; null: no consent, or not yet
   */
  view(itemId: string): string | null {
    if (this.#outbox && (document as Document & { prerendering?: boolean }).prerendering) {
      document.addEventListener('prerenderingchange', () => this.view(itemId));
      return null;
    }
    return this.#add('view', { itemId });
  }

  /** The shopper says: not like this. As `addToCart`. */
  dismiss(itemId: string, list?: ListOf): string | null {
    return this.#act('dismiss', itemId, list);
  }

  /** Sends what was seen and done so far. Settles when it is stored, or could not be (then it is tried again). */
  async flush(): Promise<void> {
    this.#report();
    if (this.#consent) await this.#outbox?.flush();
  }

  #act(kind: ItemEvent, itemId: string, list?: ListOf): string | null {
    const recommendationId = list?.recommendationId ?? this.#opened().find(([id]) => id === itemId)?.[1];
    if (!recommendationId) return null;
    this.#watching.get(recommendationId)?.actedOn(itemId);
    return this.#track(kind, { ...list, recommendationId }, { itemId });
  }

  #track(kind: EventKind, list: ListOf, items: { itemId: string } | { itemIds: string[] }): string | null {
    return isRanked(list) ? this.#add(kind, { recommendationId: list.recommendationId, ...items }) : null;
  }

  #add(kind: EventKind, facts: EventFacts): string | null {
    return this.#consent && this.#outbox ? this.#outbox.add(this.visitorId, kind, facts) : null;
  }

  #remember(itemId: string, { recommendationId }: ListOf): void {
    const others = this.#opened().filter(([id]) => id !== itemId);
    const opened: Opened[] = [[itemId, recommendationId, Date.now()], ...others];
    this.#store.set(this.#openedIn, JSON.stringify(opened.slice(0, MOST_OPENED)));
  }

  /** Products that were opened from a list that may still be reported about, the last one first. */
  #opened(): Opened[] {
    return this.#store.read<Opened[]>(this.#openedIn, []).filter(([, , at]) => at > Date.now() - LIFETIME_MS);
  }

  #report(): void {
    for (const impression of this.#watching.values()) impression.report();
  }

  #resume(): void {
    if (this.#consent) void this.#outbox?.flush();
  }

  #leave(): void {
    this.#report();
    if (this.#consent) this.#outbox?.leave();
  }
}

/** A fallback compared nothing, so nothing is learned from it and the server takes no events about it. */
export const isRanked = ({ status }: ListOf): boolean => !status?.startsWith('FALLBACK');
