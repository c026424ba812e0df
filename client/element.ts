import { isRanked, SimiliClient } from './client.ts';
import { STYLE } from './element-style.ts';
import type { ListOptions, Product, SimilarItems } from './list.ts';
import { priceOf } from './price.ts';

/** One for an API and catalog: all elements of a page share what they remember and send. */
const clients = new Map<string, SimiliClient>();
const ATTRIBUTES = [
  'product',
  'api',
  'catalog',
  'first',
  'consent',
  'heading',
  'available',
  'distinct-pictures',
  'fallback',
  'placement',
];

/** On a server a class that does nothing: a page may be rendered there. */
const Base = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

/**
 * `<simili-similar-items product="mug-42">`: the products that look like one, as links with pictures, and on its own what shoppers see of them and
 * open. Nothing is shown while there is nothing to show. docs/storefront.md has its attributes, variables and parts.
 *
 * Events: `simili-list` with the list when it is shown, `simili-error` with the error, and `simili-open` with the product before its link is
 * followed in this tab (a router calls `preventDefault` on it and goes there itself).
 */
export class SimilarItemsElement extends Base {
  static readonly observedAttributes = ATTRIBUTES;
  /** Where Simili is, for elements without the attribute `api`. '': the origin of the page. */
  static api = '';

  #section: HTMLElement | undefined;
  #asked: AbortController | undefined;
  #isDue = false;
  /** Ends what is being seen. */
  #end: () => void = () => {};

  /** The client that sends the events of this element: for `addToCart` and `purchase`. Where the attribute `consent` is there, that decides. */
  get client(): SimiliClient {
    const url = this.getAttribute('api') ?? SimilarItemsElement.api;
    const catalog = this.getAttribute('catalog') ?? '';
    const consent = this.getAttribute('consent') !== 'denied';
    const key = `${url} ${catalog}`;
    const client = clients.get(key) ?? new SimiliClient({ url, catalog, consent });
    clients.set(key, client);
    if (this.hasAttribute('consent') && client.consent !== consent) client.consent = consent;
    return client;
  }

  connectedCallback(): void {
    this.#refreshSoon();
  }

  disconnectedCallback(): void {
    this.#leave();
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now && this.isConnected) this.#refreshSoon();
  }

  /** Several attributes that are set together are one question. */
  #refreshSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.isConnected) void this.#refresh();
    });
  }

  async #refresh(): Promise<void> {
    this.#leave();
    const { client } = this;
    const id = this.getAttribute('product');
    if (!id) return;
    const asked = new AbortController();
    this.#asked = asked;
    const { signal } = asked;
    const first = Number(this.getAttribute('first')) || 6;
    try {
      const list = await client.similarItems(id, { first, signal, ...this.#wishes() });
      if (!signal.aborted) this.#show(list, client);
    } catch (error) {
      if (!signal.aborted) this.#tell('simili-error', error);
    }
  }

  #wishes(): ListOptions {
    const wishes: ListOptions = {};
    if (this.hasAttribute('available')) wishes.filter = { available: true };
    if (this.hasAttribute('distinct-pictures')) wishes.distinctPictures = true;
    const fallback = this.getAttribute('fallback');
    if (fallback) wishes.fallback = fallback.toUpperCase() as NonNullable<ListOptions['fallback']>;
    const placement = this.getAttribute('placement');
    if (placement) wishes.placement = placement;
    return wishes;
  }

  /** Hides what was shown, and does not wait for what was asked. */
  #leave(): void {
    this.#asked?.abort();
    if (this.#section) this.#section.hidden = true;
    this.#end();
  }

  #show(list: SimilarItems, client: SimiliClient): void {
    this.#section ??= this.#makeSection();
    const section = this.#section;
    const impression = client.watch(list);
    const tiles = list.nodes.map((product) => this.#tileOf(product, list, client));
    section.querySelector('ul')!.replaceChildren(...tiles);
    const ranked = isRanked(list);
    const name = this.getAttribute(ranked ? 'heading' : 'fallback-heading');
    section.querySelector('slot')!.textContent = name ?? (ranked ? 'Similar products' : 'More products');
    section.hidden = !tiles.length;
    for (const [i, { id }] of list.nodes.entries()) impression.add(tiles[i]!, id);
    this.#end = () => impression.end();
    this.#tell('simili-list', list);
  }

  #makeSection(): HTMLElement {
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet(); // no style element: a page's policy may forbid these
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const heading = make('h2', { id: 'heading', part: 'heading' }, make('slot', { name: 'heading' }));
    // The role is told, as Safari takes it from lists without bullets.
    const section = make(
      'section',
      { 'aria-labelledby': 'heading' },
      heading,
      make('ul', { role: 'list', part: 'list' }),
    );
    root.append(section);
    return section;
  }

  #tileOf(product: Product, list: SimilarItems, client: SimiliClient): HTMLElement {
    const { id, title, image } = product;
    const name = title ?? id;
    const href = this.#linkTo(product);
    const price = priceOf(product.price, this.closest<HTMLElement>('[lang]')?.lang);
    const link = make(
      'a',
      { part: 'link', ...(href && { href }) },
      make('span', { class: 'picture', part: 'picture' }, ...(image ? [pictureOf(image)] : [])),
      make('span', { class: 'title', part: 'title' }, name),
      ...(price ? [make('span', { class: 'price', part: 'price' }, price)] : []),
    );
    const open = (event: MouseEvent) => {
      client.click(id, list);
      if (opensHere(event) && !this.#tell('simili-open', product)) event.preventDefault();
    };
    link.addEventListener('click', open);
    link.addEventListener('auxclick', (event) => event.button === 1 && open(event));
    const tile = make('li', { part: 'item' }, link);
    const dismiss = this.getAttribute('dismiss');
    if (dismiss) tile.append(dismissButton(dismiss, name, () => client.dismiss(id, list)));
    return tile;
  }

  /** `href` with the id put in, else the product's own page; only http(s): a catalog is no place to run scripts from. */
  #linkTo({ id, url }: Product): string | null {
    const pattern = this.getAttribute('href');
    if (pattern) return pattern.replace('{id}', encodeURIComponent(id));
    return url && /^(https?:)?\/\//i.test(url) ? url : null;
  }

  /** @returns false: somebody called `preventDefault` */
  #tell(name: string, detail: unknown): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }
}

/** Text becomes text nodes, never markup: titles come from other people's catalogs. */
function make(tag: string, attributes: Record<string, string>, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Else in another tab or window, or as a file: that is the browser's, and no router's. */
const opensHere = ({ button, ctrlKey, metaKey, shiftKey, altKey }: MouseEvent): boolean =>
  !(button || ctrlKey || metaKey || shiftKey || altKey);

/** Decorative: the name stands beside it. */
function pictureOf({ url, width, height }: NonNullable<Product['image']>): HTMLElement {
  const size: Record<string, string> = width && height ? { width: String(width), height: String(height) } : {};
  const picture = make('img', { alt: '', loading: 'lazy', decoding: 'async', ...size, src: url });
  picture.addEventListener('error', () => picture.remove(), { once: true });
  return picture;
}

/** Works once, and keeps the focus, which `disabled` would drop. */
function dismissButton(label: string, name: string, dismiss: () => void): HTMLElement {
  const button = make('button', { type: 'button', part: 'dismiss', 'aria-label': `${label}: ${name}` }, label);
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    dismiss();
  });
  return button;
}

if (globalThis.customElements && !customElements.get('simili-similar-items')) {
  customElements.define('simili-similar-items', SimilarItemsElement);
}
