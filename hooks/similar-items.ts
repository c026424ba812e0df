import type { Product, SimiliClient } from '@simili/client';
import { createElement, type HTMLAttributes, type ReactElement, type ReactNode } from 'react';
import { type UseSimilarItemsOptions, useSimilarItems } from './use-similar-items.ts';

export type SimilarItemsProps<P = Product> = Omit<HTMLAttributes<HTMLUListElement>, 'children'> & {
  /** As of `useSimilarItems`. */
  client: SimiliClient | string;
  /** The id of the product that the others look like. */
  product: string;
  initial?: UseSimilarItemsOptions<P>['initial'];
  options?: Omit<UseSimilarItemsOptions<P>, 'initial'>;
  /** Draws what is in the place of a product, and calls `click` when the shopper opens it. */
  children: (product: P, click: () => void) => ReactNode;
};

/**
 * A list of products that look like this one: a `ul` with an `li` for each, whose content the shop draws; other props are the `ul`'s.
 * What is visible for a second is told as an impression. Nothing is drawn while there is no product to show.
 */
export function SimilarItems<P extends { id: string } = Product>({
  client,
  product,
  initial,
  options,
  children,
  ...attributes
}: SimilarItemsProps<P>): ReactElement | null {
  const { list, seen, click } = useSimilarItems<P>(client, product, { ...options, initial });
  if (!list?.nodes.length) return null;
  const places = list.nodes.map((node) =>
    createElement(
      'li',
      { key: node.id, ref: seen(node.id) },
      children(node, () => click(node.id)),
    ),
  );
  return createElement('ul', attributes, places);
}
