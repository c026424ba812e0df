import { ask } from './api.js';
import { make } from './dom.js';

/**
 * @typedef {{ id: string, title: string | null, url: string | null, availableForSale: boolean, categories: string[],
 *   image: { url: string, width: number | null, height: number | null } | null,
 *   price: { amount: string, currencyCode: string } | null }} Product
 */

export const FIELDS =
  'id title url availableForSale categories image { url width height } price { amount currencyCode }';
export const PRODUCT_FIELDS = `fragment ProductFields on Product { ${FIELDS} }`;

const ONE = `query Product($id: ID!) { product(by: { id: $id }) { ...ProductFields } } ${PRODUCT_FIELDS}`;

/** Products met on this page, so that a clicked one is shown at once. @type {Map<string, Product>} */
const known = new Map();

/** @param {Product[]} products */
export function remember(products) {
  for (const product of products) known.set(product.id, product);
}

/**
 * @param {string} id
 * @returns {Promise<Product | null>} null: no such product
 * @throws {import('./api.js').ApiError}
 */
export async function findProduct(id) {
  const met = known.get(id);
  if (met) return met;
  const { product } = await /** @type {typeof ask<{ product: Product | null }>} */ (ask)('/graphql', ONE, { id });
  if (product) remember([product]);
  return product;
}

/** @param {Product} product */
export const nameOf = (product) => product.title ?? product.id;

/** @param {string} id */
export const linkTo = (id) => `#item=${encodeURIComponent(id)}`;

/**
 * The picture, or the product's initial where there is none or it does not load. Decorative: the name stands beside it.
 * @param {Product} product
 * @param {{ lazy?: boolean }} [options]
 */
export function pictureOf(product, { lazy = true } = {}) {
  const initial = () => make('span', { class: 'initial', 'aria-hidden': 'true' }, nameOf(product).slice(0, 1));
  const { image } = product;
  if (!image) return initial();
  const picture = make('img', {
    alt: '',
    decoding: 'async',
    loading: lazy ? 'lazy' : 'eager',
    width: image.width,
    height: image.height,
  });
  picture.addEventListener('error', () => picture.replaceWith(initial()), { once: true });
  picture.src = image.url;
  return picture;
}
