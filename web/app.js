import { SimiliClient } from '/client.js';
import { CatalogView } from './catalog.js';
import { byId } from './dom.js';
import { ItemView } from './item.js';
import { linkTo } from './products.js';
import { TrainingPanel } from './training.js';

history.scrollRestoration = 'manual';

/** Facts about the shop, for the sentence at the top. */
const facts = { products: 0, model: '' };
function showSentence() {
  const invitation = 'Pick a product to see what looks like it.';
  const products = facts.products > 0 ? `${facts.products.toLocaleString()} products. ` : '';
  byId('sentence').textContent = facts.model
    ? `${products}${facts.model} ranks what looks alike.`
    : `${products}${invitation}`;
}

const client = new SimiliClient({
  onDelivery({ waiting, stored, failing }) {
    const told = stored === 0 ? '' : `${stored} ${stored === 1 ? 'event' : 'events'} stored since you came.`;
    byId('feedback-state').textContent = failing ? `${waiting} wait for the server and are sent again.` : told;
  },
});
const item = new ItemView(client, () => training.key);
const catalog = new CatalogView((products) => {
  facts.products = products;
  showSentence();
});
const training = new TrainingPanel({
  /** Sends what this visitor saw and did, so that it is in the training that he asks for. */
  beforeRetrain: () => client.flush(),
  onModel(title, changed) {
    facts.model = title;
    showSentence();
    if (changed) item.restart(`${title} ranks now: this is its list.`);
  },
});

/** The address says what is shown: `#item=<id>`; anything else is the catalog. `#admin=<key>` is taken and wiped away. */
function route() {
  const { item: id, admin } = fragment();
  if (admin) {
    history.replaceState(null, '', id ? linkTo(id) : location.pathname + location.search);
    training.use(admin);
  }
  if (id) {
    catalog.hide(id);
    item.show(id);
  } else {
    document.title = 'Simili';
    item.hide();
    catalog.show();
  }
}

/** @returns {Record<string, string>} */
function fragment() {
  const pairs = location.hash.slice(1).split('&').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2).map(decoded)));
}

/** @param {string} [text] */
function decoded(text = '') {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand, with a bare %
  }
}

byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId('find-id'));
  location.hash = linkTo(input.value.trim());
  input.value = '';
});
byId('skip').addEventListener('click', () => byId('main').focus());
addEventListener('hashchange', route);

route();
