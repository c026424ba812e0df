import type { ListOptions, Product, SimilarItems, SimiliClient, SimiliError } from '@simili/client';
import { type RefCallback, useEffect, useMemo, useState } from 'react';
import { clientOf } from './client-of.ts';

export type UseSimilarItemsOptions<P = Product> = Omit<ListOptions, 'signal' | 'after'> & {
  /** The list that a server made for this shopper, of the same product: it is shown, and nothing is asked for. null: the server had none. */
  initial?: SimilarItems<P> | null | undefined;
};

/** The list, and what a page does with it. Functions and refs stay the same as long as the list does. */
export type SimilarItemsState<P = Product> = {
  /** null until there is one. Of the product that was shown before, it is never. */
  list: SimilarItems<P> | null;
  /** Why there is none: SimiliError by its code. */
  error: SimiliError | null;
  /** Ref of the element that shows a product: what is visible for a second is told as an impression. */
  seen: (itemId: string) => RefCallback<Element>;
  /** As of `SimiliClient`; the list is this one. */
  click: (itemId: string) => void;
  addToCart: (itemId: string) => void;
  purchase: (itemId: string) => void;
  dismiss: (itemId: string) => void;
};

type Answer<P> = { key: string; list: SimilarItems<P> | null; error: SimiliError | null };

/**
 * Products that look like this one, and what the shopper sees of them and does. Renders on a server, with `initial` or without a list.
 * The first argument is the page's client, or the address of a Simili, whose client is made once.
 */
export function useSimilarItems<P extends { id: string } = Product>(
  simili: SimiliClient | string,
  productId: string,
  { initial, ...options }: UseSimilarItemsOptions<P> = {},
): SimilarItemsState<P> {
  const client = clientOf(simili);
  const key = JSON.stringify([productId, options]); // callers write the options anew each time
  const [answer, setAnswer] = useState<Answer<P>>({ key, list: initial ?? null, error: null });
  const current = answer.key === key ? answer : null;
  const isThere = current !== null && (current.list !== null || current.error !== null);

  useEffect(() => {
    if (isThere) return;
    const asked = new AbortController();
    const [id, page] = JSON.parse(key) as [string, ListOptions];
    client.similarItems<P>(id, { ...page, signal: asked.signal }).then(
      (list) => setAnswer({ key, list, error: null }),
      (error: SimiliError) => asked.signal.aborted || setAnswer({ key, list: null, error }),
    );
    return () => asked.abort();
  }, [client, key, isThere]);

  const list = current?.list ?? null;
  const actions = useMemo(() => actionsOf(client, list), [client, list]);
  return { list, error: current?.error ?? null, ...actions };
}

function actionsOf<P extends { id: string }>(client: SimiliClient, list: SimilarItems<P> | null) {
  const refs = new Map<string, RefCallback<Element>>();
  const about = list ?? undefined;
  return {
    seen(itemId: string): RefCallback<Element> {
      const ref = refs.get(itemId) ?? refTo(client, list, itemId);
      refs.set(itemId, ref);
      return ref;
    },
    click: (itemId: string) => void (list && client.click(itemId, list)),
    addToCart: (itemId: string) => void client.addToCart(itemId, about),
    purchase: (itemId: string) => void client.purchase(itemId, about),
    dismiss: (itemId: string) => void client.dismiss(itemId, about),
  };
}

/** React calls it with the element, and with null when that goes. */
function refTo<P extends { id: string }>(
  client: SimiliClient,
  list: SimilarItems<P> | null,
  itemId: string,
): RefCallback<Element> {
  let end: (() => void) | undefined;
  return (element) => {
    end?.();
    end = element && list ? client.watch(list).add(element, itemId) : undefined;
  };
}
