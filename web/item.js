import { priceOf } from '/client.js';
import { announce, byId, make } from './dom.js';
import { FIELDS, findProduct, linkTo, nameOf, pictureOf, remember } from './products.js';
import { whyOf } from './why.js';

const MODEL_POLL_MS = 2000;

/**
 * @typedef {import('./products.js').Product} Product
 * @typedef {import('/client.js').SimilarItem<Product>} Edge
 * @typedef {import('/client.js').SimilarItems<Product>} SimilarItems
 * @typedef {import('/client.js').SimiliError} SimiliError
 */

/** Sentences for a list that is empty, or shorter than wished. @type {Record<SimilarItems['status'], string>} */
const SAY = {
  OK: '',
  PARTIAL: '',
  COLD_ITEM: 'The picture of this product has not been compared yet. Look again in a moment.',
  ITEM_UNKNOWN: 'There is no such product in this shop.',
  FALLBACK_CATEGORY: '',
  FALLBACK_POPULAR: '',
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
  /** One per page of the list: each page has its own recommendationId. @type {import('/client.js').Impression[]} */
  #impressions = [];
  /** Aborted when another product is shown: late answers for the old one are dropped. */
  #shown = new AbortController();
  /** @type {string | null} */
  #id = null;
  /** @type {string | null} */
  #after = null;
  /** Looked at again and again until a model serves, which is said once. */
  #waits = false;
  #client;
  #adminKey;

  /**
   * @param {import('/client.js').SimiliClient} client
   * @param {() => string | null} adminKey
   */
  constructor(client, adminKey) {
    this.#client = client;
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
    describe(id, null);
    byId('item-title').focus({ preventScroll: true });
    this.#showAnchor(id);
    this.#load(null);
  }

  /** Also tells the server what was seen of the list. */
  hide() {
    this.#endImpressions();
    this.#shown.abort();
    this.#id = null;
    this.#section.hidden = true;
  }

  /** Ends what is being seen, with what was seen so far. */
  #endImpressions() {
    for (const impression of this.#impressions) impression.end();
    this.#impressions = [];
  }

  /** The list from its beginning, by the model that serves now. @param {string} [note] why, for the reader */
  restart(note = '') {
    if (this.#id === null) return;
    this.#endImpressions();
    this.#reset(note);
    this.#showAnchor(this.#id);
    this.#load(null);
  }

  /** @param {string} [note] */
  #reset(note = '') {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#waits = false;
    this.#list.replaceChildren();
    this.#note.textContent = note;
    this.#note.hidden = note === '';
  }

  /** Where it cannot be had, the list beside it says what is wrong. @param {string} id */
  async #showAnchor(id) {
    const { signal } = this.#shown;
    const product = await findProduct(id).catch(() => null);
    if (product && !signal.aborted) describe(id, product);
  }

  /** @param {string | null} after null: the first page */
  async #load(after) {
    const id = this.#id;
    if (id === null) return;
    const { signal } = this.#shown;
    const byHand = after !== null;
    this.#more.hidden = this.#again.hidden = true;
    if (!this.#waits) this.#status.textContent = 'Looking …';
    try {
      const page = await this.#client.similarItems(id, { first: 12, after, fields: FIELDS, signal });
      if (!signal.aborted) this.#append(/** @type {SimilarItems} */ (page), byHand);
    } catch (error) {
      if (!signal.aborted) this.#failed(/** @type {SimiliError} */ (error));
    }
  }

  /** @param {SimilarItems} page @param {boolean} byHand */
  #append(page, byHand) {
    remember(page.nodes);
    const impression = this.#client.watch(page);
    this.#impressions.push(impression);
    const tiles = page.edges.map((edge) => this.#tileOf(edge, page));
    this.#list.append(...tiles);
    for (const [i, { node }] of page.edges.entries()) impression.add(/** @type {Element} */ (tiles[i]), node.id);
    this.#after = page.pageInfo.endCursor;
    this.#more.hidden = !page.pageInfo.hasNextPage;
    this.#say(page);
    if (byHand) tiles[0]?.querySelector('a')?.focus();
  }

  /** @param {SimilarItems} page */
  #say({ status, edges }) {
    if (status === 'MODEL_NOT_READY') return this.#waitForModel();
    this.#waits = false;
    const empty = this.#list.childElementCount === 0;
    this.#status.textContent = SAY[status] || (empty ? 'Nothing to compare it with yet.' : '');
    announce(this.#status.textContent || `${edges.length} products look like this`);
    this.#again.hidden = !(status === 'COLD_ITEM' || (empty && status === 'PARTIAL'));
  }

  #waitForModel() {
    if (!this.#waits) {
      this.#status.textContent = SAY.MODEL_NOT_READY;
      announce(SAY.MODEL_NOT_READY);
    }
    this.#waits = true;
    const { signal } = this.#shown;
    setTimeout(() => {
      if (signal.aborted) return;
      this.#endImpressions();
      this.#load(null);
    }, MODEL_POLL_MS);
  }

  /** @param {SimiliError} error */
  #failed(error) {
    if (error.code === 'CURSOR_RETIRED' || error.code === 'CURSOR_INVALID') {
      this.restart('Another model ranks now, so the list starts anew.');
    } else if (error.code === 'MODEL_NOT_READY') {
      this.#waitForModel();
    } else {
      this.#waits = false;
      this.#status.textContent = error.message;
      this.#again.hidden = false;
      announce(error.message);
    }
  }

  /** @param {Edge} edge @param {SimilarItems} list */
  #tileOf({ node, position, score }, list) {
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
    const click = () => this.#client.click(node.id, list);
    link.addEventListener('click', click);
    link.addEventListener('auxclick', (event) => event.button === 1 && click());
    const act = (/** @type {'addToCart' | 'dismiss'} */ kind) => {
      tile.dataset.state = kind;
      this.#client[kind](node.id, list);
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

/** @param {string} id @param {Product | null} product null: nothing is known of it yet */
function describe(id, product) {
  const title = byId('item-title');
  title.textContent = product ? nameOf(product) : id;
  document.title = `${title.textContent} – Simili`;
  byId('item-picture').replaceChildren(...(product ? [pictureOf(product, { lazy: false })] : []));
  byId('item-facts').textContent = product ? factsOf(product) : '';
  byId('item-link').replaceChildren(...(product ? linkOf(product) : []));
}

/** @param {Product} product */
function factsOf(product) {
  const price = product.availableForSale ? priceOf(product.price) : 'Sold out';
  return [product.categories.join(' › '), price].filter(Boolean).join(' · ');
}

/** Only http(s): a catalog is no place to run scripts from. @param {Product} product */
function linkOf({ url }) {
  if (!url || !/^https?:\/\//i.test(url)) return [];
  return [make('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, 'Its page in the shop')];
}
