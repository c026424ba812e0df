import { ask } from './api.js';
import { announce, make } from './dom.js';
import { nameOf } from './products.js';

const WHY = `query Why($a: ID!, $b: ID!) {
  explainSimilarity(a: $a, b: $b) { score chosenBy clickedBy addedToCartBy boughtBy dismissedBy parts { title share score } }
}`;
const PATH = '/admin/graphql';

/**
 * @typedef {{ title: string, share: number, score: number }} Part
 * @typedef {{ chosenBy: number | null, clickedBy: number | null, addedToCartBy: number | null, boughtBy: number | null, dismissedBy: number | null }} Visitors
 * @typedef {Visitors & { score: number, parts: Part[] }} Explanation
 */

/**
 * For an administrator: what the likeness of two products is made of, asked for when it is opened.
 * @param {string} anchorId
 * @param {import('./products.js').Product} product
 * @param {string} key
 */
export function whyOf(anchorId, product, key) {
  const answer = make('div', { class: 'why-parts' });
  const details = make(
    'details',
    { class: 'why' },
    make('summary', { 'aria-label': `Why: ${nameOf(product)}` }, 'Why'),
    answer,
  );
  details.addEventListener('toggle', async () => {
    if (!details.open || answer.childElementCount > 0) return;
    answer.textContent = 'Looking …';
    try {
      const { explainSimilarity } = await /** @type {typeof ask<{ explainSimilarity: Explanation | null }>} */ (ask)(
        PATH,
        WHY,
        { a: anchorId, b: product.id },
        { key },
      );
      answer.replaceChildren(...(explainSimilarity ? rowsOf(explainSimilarity) : ['There is nothing to compare.']));
    } catch (error) {
      answer.textContent = /** @type {import('./api.js').ApiError} */ (error).message;
    }
    announce(answer.textContent ?? '');
  });
  return details;
}

/** @param {Explanation} explanation */
function rowsOf({ parts, ...visitors }) {
  const rows = parts.map(({ title, share, score }) =>
    make(
      'p',
      { class: 'why-part' },
      make('span', {}, title),
      make('meter', { min: 0, max: 1, value: score, title: `${percent(score)} alike, ${percent(share)} of the whole` }),
      make('span', { class: 'quiet' }, `${percent(score)} of ${percent(share)}`),
    ),
  );
  return [...rows, make('p', { class: 'quiet' }, sentenceOf(visitors))];
}

/** @param {Visitors} visitors */
function sentenceOf({ chosenBy, clickedBy, addedToCartBy, boughtBy, dismissedBy }) {
  const told = [
    clickedBy !== null && `${clickedBy} clicked it`,
    addedToCartBy !== null && `${addedToCartBy} put it in the cart`,
    boughtBy !== null && `${boughtBy} bought it`,
    dismissedBy !== null && `${dismissedBy} dismissed it`,
  ].filter((part) => part !== false);
  return `${[`${chosenBy ?? 'Fewer than 20'} visitors chose one beside the other`, ...told].join(', ')}.`;
}

/** @param {number} value */
const percent = (value) => `${Math.round(value * 100)} %`;
