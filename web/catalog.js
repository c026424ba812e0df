import { priceOf } from '/client.js';
import { ask } from './api.js';
import { announce, byId, make } from './dom.js';
import { linkTo, nameOf, PRODUCT_FIELDS, pictureOf, remember } from './products.js';

const PAGE = `query Catalog($after: String) {
  products(first: 50, after: $after) { totalCount nodes { ...ProductFields } pageInfo { hasNextPage endCursor } }
} ${PRODUCT_FIELDS}`;

/** @typedef {{ totalCount: number, nodes: import('./products.js').Product[], pageInfo: { hasNextPage: boolean, endCursor: string | null } }} Page */

/** The catalog as a grid of pictures that grows as it is scrolled, 50 products at a time. */
export class CatalogView {
  #section = byId('catalog');
  #grid = byId('grid');
  #status = byId('catalog-status');
  #more = /** @type {HTMLButtonElement} */ (byId('catalog-more'));
  /** @type {string | null} */
  #after = null;
  #loading = false;
  #scrolled = 0;
  /** @type {string | null} */
  #opened = null;
  #onTotal;

  /** @param {(total: number) => void} onTotal */
  constructor(onTotal) {
    this.#onTotal = onTotal;
    this.#more.addEventListener('click', () => this.#load({ byHand: true }));
    const nearEnd = ([entry] = /** @type {IntersectionObserverEntry[]} */ ([])) => {
      if (entry?.isIntersecting && !this.#more.hidden) this.#load();
    };
    new IntersectionObserver(nearEnd, { rootMargin: '1000px' }).observe(this.#more);
    this.#load();
  }

  /** Shown again, it is where it was left. */
  show() {
    if (!this.#section.hidden) return;
    this.#section.hidden = false;
    scrollTo(0, this.#scrolled);
    const tile = [...this.#grid.querySelectorAll('a')].find((link) => link.getAttribute('href') === this.#opened);
    tile?.focus({ preventScroll: true });
  }

  /** @param {string} id the product that is shown instead */
  hide(id) {
    if (this.#section.hidden) return;
    this.#scrolled = scrollY;
    this.#opened = linkTo(id);
    this.#section.hidden = true;
  }

  async #load({ byHand = false } = {}) {
    if (this.#loading) return;
    this.#loading = true;
    this.#more.hidden = true;
    this.#status.textContent = 'Loading …';
    try {
      const { products } = await /** @type {typeof ask<{ products: Page }>} */ (ask)('/graphql', PAGE, {
        after: this.#after,
      });
      this.#append(products, byHand);
    } catch (error) {
      this.#failed(/** @type {import('./api.js').ApiError} */ (error));
    }
    this.#loading = false;
  }

  /** @param {Page} page @param {boolean} byHand */
  #append({ nodes, pageInfo, totalCount }, byHand) {
    remember(nodes);
    const tiles = nodes.map(tileOf);
    this.#grid.append(...tiles);
    this.#after = pageInfo.endCursor;
    this.#more.textContent = 'Show more';
    this.#more.hidden = !pageInfo.hasNextPage;
    const shown = this.#grid.childElementCount;
    this.#status.textContent = pageInfo.hasNextPage ? `${count(shown)} of ${count(totalCount)}` : count(totalCount);
    this.#onTotal(totalCount);
    if (byHand) {
      tiles[0]?.querySelector('a')?.focus();
      announce(`${nodes.length} more products`);
    }
    if (shown === 0) {
      this.#status.textContent = 'The catalog is empty so far. This page looks again every few seconds.';
      setTimeout(() => this.#load(), 3000);
    }
  }

  /** @param {import('./api.js').ApiError} error */
  #failed(error) {
    if (error.code === 'CURSOR_INVALID' || error.code === 'CURSOR_RETIRED') {
      this.#after = null;
      this.#grid.replaceChildren();
    }
    this.#status.textContent = error.message;
    this.#more.textContent = 'Try again';
    // Shown late, so that a page end in view does not ask a struggling server without pause.
    setTimeout(() => {
      this.#more.hidden = false;
    }, 2000);
  }
}

/** @param {number} n */
const count = (n) => `${n.toLocaleString()} ${n === 1 ? 'product' : 'products'}`;

/** @param {import('./products.js').Product} product */
function tileOf(product) {
  const price = product.availableForSale ? priceOf(product.price) : 'Sold out';
  return make(
    'li',
    { class: 'far' },
    make(
      'a',
      { class: 'tile', href: linkTo(product.id) },
      make('span', { class: 'picture' }, pictureOf(product)),
      make('span', { class: 'name' }, nameOf(product)),
      price ? make('span', { class: 'price' }, price) : null,
    ),
  );
}
