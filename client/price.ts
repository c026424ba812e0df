import type { Product } from './list.ts';

/**
 * The price as the shopper's language writes it, exact.
 * @param language BCP 47; left out: the browser's
 */
export function priceOf(price: Product['price'], language?: string): string {
  if (!price) return '';
  try {
    // A string goes through Intl undamaged; a float would not.
    const exact = price.amount as unknown as number;
    return new Intl.NumberFormat(language || undefined, { style: 'currency', currency: price.currencyCode }).format(
      exact,
    );
  } catch {
    return `${price.amount} ${price.currencyCode}`; // a currency or language that Intl does not know
  }
}
