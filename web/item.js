import { ask } from './api.js';
import { announce, byId, make } from './dom.js';
import { findProduct, linkTo, nameOf, PRODUCT_FIELDS, pictureOf, priceOf, remember } from './products.js';
import { Impression } from './seen.js';
import { whyOf } from './why.js';

const SIMILAR = `query Similar($id: ID!, $after: String) {
  similarItems(id: $id, first: 12, after: $after) {
    recommendationId status modelVersionId pageInfo { hasNextPage endCursor }
    edges { position score node { ...ProductFields } }
  }
} ${PRODUCT_FIELDS}`;
const MODEL_POLL_MS = 2000;

/**
 * @typedef {import('./products.js').Product} Product
 * @typedef {{ position: number, score: number, node: Product }} Edge
 * @typedef {{ recommendationId: string, status: 'OK' | 'PARTIAL' | 'COLD_ITEM' | 'ITEM_UNKNOWN' | 'MODEL_NOT_READY',
 *   modelVersionId: string | null, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Edge[] }} SimilarItems
 */

/** Sentences for a list that is empty, or shorter than wished. @type {Record<SimilarItems['status'], string>} */
const SAY = {
  OK: '',
  PARTIAL: '',
  COLD_ITEM: 'The picture of this product has not been compared yet. Look again in a moment.',
  ITEM_UNKNOWN: 'There is no such product in this shop.',
  MODEL_NOT_READY: 'No model serves yet: the first one is fitted as soon as two products have a readable picture.',
};

/** One product, large, with the products that look like it. */
export class ItemView {
  #section = byId('item');
  #list = byId('alike');
  #status = byId('alike-status');
  #note = byId('alike-note');
  #more = /** @type {HTMLButtonElement} */ (byId('alike-more'));
  #again = /** @type {HTMLButtonElement} */ (byId('alike-again'));
  /** One per page of the list: each page has its own recommendationId. @type {Impression[]} */
  #impressions = [];
  /** Aborted when another product is shown: late answers for the old one are dropped. */
  #shown = new AbortController();
  /** @type {string | null} */
  #id = null;
  /** @type {string | null} */
  #after = null;
  #feedback;
  #adminKey;

  /**
   * @param {Pick<import('./feedback.js').Feedback, 'add'>} feedback
   * @param {() => string | null} adminKey
   */
  constructor(feedback, adminKey) {
    this.#feedback = feedback;
    this.#adminKey = adminKey;
    this.#more.addEventListener('click', () => this.#load(this.#after));
    this.#again.addEventListener('click', () => this.restart());
  }

  /** @param {string} id */
  show(id) {
    this.hide();
    this.#id = id;
    this.#section.hidden = false;
    this.#reset();
    scrollTo(0, 0);
    this.#showAnchor(id);
    this.#load(null);
  }

  /** Also tells the server what was seen of the list. */
  hide() {
    this.endImpressions();
    this.#shown.abort();
    this.#id = null;
    this.#section.hidden = true;
  }

  /** Ends what is being seen, with what was seen so far: on leaving, and before a training that should learn from it. */
  endImpressions() {
    for (const impression of this.#impressions) impression.leave();
  }

  /** The list from its beginning, by the model that serves now. @param {string} [note] why, for the reader */
  restart(note = '') {
    if (this.#id === null) return;
    this.endImpressions();
    this.#reset(note);
    this.#load(null);
  }

  /** @param {string} [note] */
  #reset(note = '') {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#impressions = [];
    this.#list.replaceChildren();
    this.#note.textContent = note;
    this.#note.hidden = note === '';
  }

  /** @param {string} id */
  async #showAnchor(id) {
    const { signal } = this.#shown;
    const title = byId('item-title');
    const describe = (/** @type {Product | null} */ product) => {
      title.textContent = product ? nameOf(product) : id;
      document.title = `${title.textContent} – Simili`;
      byId('item-picture').replaceChildren(...(product ? [pictureOf(product, { lazy: false })] : []));
      byId('item-facts').textContent = product ? factsOf(product) : '';
      byId('item-link').replaceChildren(...(product ? linkOf(product) : []));
    };
    describe(null);
    title.focus({ preventScroll: true });
    const product = await findProduct(id).catch(() => null); // the list beside it says what is wrong
    if (!signal.aborted) describe(product);
  }

  /** @param {string | null} after null: the first page */
  async #load(after) {
    const { signal } = this.#shown;
    const byHand = after !== null;
    this.#more.hidden = this.#again.hidden = true;
    this.#status.textContent = 'Looking …';
    try {
      const { similarItems } = await /** @type {typeof ask<{ similarItems: SimilarItems }>} */ (ask)(
        '/graphql',
        SIMILAR,
        { id: this.#id, after },
        { signal },
      );
      if (!signal.aborted) this.#append(similarItems, byHand);
    } catch (error) {
      if (!signal.aborted) this.#failed(/** @type {import('./api.js').ApiError} */ (error));
    }
  }

  /** @param {SimilarItems} page @param {boolean} byHand */
  #append(page, byHand) {
    remember(page.edges.map((edge) => edge.node));
    /** @type {Map<Element, string>} */
    const ids = new Map();
    const impression = () => this.#impressions.find((one) => one.recommendationId === page.recommendationId);
    for (const edge of page.edges) {
      const tile = this.#tileOf(edge, page.recommendationId, () => impression()?.actedOn(edge.node.id));
      this.#list.append(tile);
      ids.set(tile, edge.node.id);
    }
    if (ids.size > 0) this.#watch(page.recommendationId, ids);
    this.#after = page.pageInfo.endCursor;
    this.#more.hidden = !page.pageInfo.hasNextPage;
    this.#say(page);
    if (byHand) [...ids.keys()][0]?.querySelector('a')?.focus();
  }

  /** @param {string} recommendationId @param {Map<Element, string>} ids */
  #watch(recommendationId, ids) {
    const report = (/** @type {string[]} */ itemIds) => this.#feedback.add('impression', { recommendationId, itemIds });
    this.#impressions.push(new Impression(recommendationId, ids, report));
  }

  /** @param {SimilarItems} page */
  #say({ status, edges }) {
    const empty = this.#list.childElementCount === 0;
    this.#status.textContent = SAY[status] || (empty ? 'Nothing to compare it with yet.' : '');
    announce(this.#status.textContent || `${edges.length} products look like this`);
    this.#again.hidden = !(status === 'COLD_ITEM' || (empty && status === 'PARTIAL'));
    if (status === 'MODEL_NOT_READY') this.#waitForModel();
  }

  #waitForModel() {
    const { signal } = this.#shown;
    setTimeout(() => {
      if (!signal.aborted) this.#load(null);
    }, MODEL_POLL_MS);
  }

  /** @param {import('./api.js').ApiError} error */
  #failed(error) {
    if (error.code === 'CURSOR_RETIRED' || error.code === 'CURSOR_INVALID') {
      this.restart('Another model ranks now, so the list starts anew.');
    } else if (error.code === 'MODEL_NOT_READY') {
      this.#status.textContent = SAY.MODEL_NOT_READY;
      this.#waitForModel();
    } else {
      this.#status.textContent = error.message;
      this.#again.hidden = false;
      announce(error.message);
    }
  }

  /**
   * @param {Edge} edge
   * @param {string} recommendationId
   * @param {() => void} actedOn
   */
  #tileOf({ node, position, score }, recommendationId, actedOn) {
    const about = { recommendationId, itemId: node.id };
    const link = make(
      'a',
      { class: 'tile', href: linkTo(node.id) },
      make('span', { class: 'picture' }, pictureOf(node)),
      make('span', { class: 'name' }, nameOf(node)),
      make(
        'span',
        { class: 'likeness' },
        make('span', { class: 'position' }, String(position)),
        make('span', { class: 'score' }, percent(score)),
        make('span', { class: 'quiet' }, ' alike'),
      ),
    );
    const tile = make('li', {}, link);
    const click = () => {
      actedOn();
      this.endImpressions(); // so that what was seen is stored before what came of it
      this.#feedback.add('click', about);
    };
    link.addEventListener('click', click);
    link.addEventListener('auxclick', (event) => event.button === 1 && click());
    const act = (/** @type {'addToCart' | 'dismiss'} */ kind) => {
      actedOn();
      tile.dataset.state = kind;
      this.#feedback.add(kind, about);
    };
    tile.append(
      make(
        'div',
        { class: 'actions' },
        onceButton('Add to cart', 'In the cart', node, () => act('addToCart')),
        onceButton('Not like this', 'Noted', node, () => act('dismiss')),
      ),
    );
    const key = this.#adminKey();
    if (key && this.#id !== null) tile.append(whyOf(this.#id, node, key));
    return tile;
  }
}

/**
 * A button that works once and then says so; it keeps the focus, which `disabled` would drop.
 * @param {string} label
 * @param {string} done
 * @param {Product} product
 * @param {() => void} act
 */
function onceButton(label, done, product, act) {
  const button = make(
    'button',
    { type: 'button', class: 'button small', 'aria-label': `${label}: ${nameOf(product)}` },
    label,
  );
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    button.setAttribute('aria-label', `${done}: ${nameOf(product)}`);
    button.textContent = done;
    act();
    announce(`${done}: ${nameOf(product)}`);
  });
  return button;
}

/** One decimal: the best ones differ there. Only what is identical is 100 %. @param {number} score */
const percent = (score) => `${(Math.floor(score * 1000) / 10).toFixed(1)} %`;

/** @param {Product} product */
function factsOf(product) {
  const price = product.availableForSale ? priceOf(product) : 'Sold out';
  return [product.categories.join(' › '), price].filter(Boolean).join(' · ');
}

/** Only http(s): a catalog is no place to run scripts from. @param {Product} product */
function linkOf({ url }) {
  if (!url || !/^https?:\/\//i.test(url)) return [];
  return [make('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, 'Its page in the shop')];
}
