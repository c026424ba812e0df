import { ask } from './api.js';
import { announce, make } from './dom.js';
import { nameOf } from './products.js';

const WHY = `query Why($a: ID!, $b: ID!) {
  explainSimilarity(a: $a, b: $b) { score chosenBy dismissedBy parts { title share score } }
}`;
const PATH = '/admin/graphql';

/**
 * @typedef {{ title: string, share: number, score: number }} Part
 * @typedef {{ score: number, chosenBy: number | null, dismissedBy: number | null, parts: Part[] }} Explanation
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
function rowsOf({ parts, chosenBy, dismissedBy }) {
  const rows = parts.map(({ title, share, score }) =>
    make(
      'p',
      { class: 'why-part' },
      make('span', {}, title),
      make('meter', { min: 0, max: 1, value: score, title: `${percent(score)} alike, ${percent(share)} of the whole` }),
      make('span', { class: 'quiet' }, `${percent(score)} of ${percent(share)}`),
    ),
  );
  const people = [
    chosenBy === null
      ? 'Fewer than 20 visitors chose one beside the other'
      : `${chosenBy} visitors chose one beside the other`,
    ...(dismissedBy === null ? [] : [`${dismissedBy} dismissed it`]),
  ];
  return [...rows, make('p', { class: 'quiet' }, `${people.join(', ')}.`)];
}

/** @param {number} value */
const percent = (value) => `${Math.round(value * 100)} %`;
