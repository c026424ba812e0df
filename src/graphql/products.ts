import { isWebUrl } from '../catalog/judge-product.ts';
import { pageOfProducts } from '../catalog/product-page.ts';
import type { ProductRow } from '../db/sql/product-row.ts';
import type { Resolvers } from '../generated/graphql.ts';
import type { Scope, ScopeOf } from './scope.ts';
import { handsOn } from './timed.ts';

export const productResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    product: async (_root, { by }, context) => {
      const own = await scope(context);
      return by.id != null ? own.products.load(by.id) : byUrl(own, by.url ?? '');
    },
    products: async (_root, { first, after }, context) => {
      const { services, products } = await scope(context);
      const page = await pageOfProducts(services.repositories, {
        first,
        after,
      });
      for (const { product } of page.items) products.prime(product.id, product);
      return page;
    },
  },
  Product: {
    image: handsOn(
      async ({ image }, _args, context, _info, deadline) =>
        image && {
          url: isWebUrl(image.source) ? image.source : ownUrlOf(image.id, (await scope(context, deadline)).services),
          width: image.width,
          height: image.height,
        },
    ),
    price: ({ price, currency }) =>
      price !== null && currency !== null ? { amount: price, currencyCode: currency } : null,
    availableForSale: ({ available }) => available,
  },
  ProductConnection: {
    edges: ({ items }) => items.map(({ product, cursor }) => ({ node: product, cursor })),
    nodes: ({ items }) => items.map(({ product }) => product),
    pageInfo: ({ items, hasNextPage, hasPreviousPage }) => ({
      hasNextPage,
      hasPreviousPage,
      startCursor: items[0]?.cursor ?? null,
      endCursor: items.at(-1)?.cursor ?? null,
    }),
    totalCount: async (_page, _args, context) => (await scope(context)).services.productCount(),
  },
});

/** A page cannot send a header with a picture: where the catalog is not the usual one, the URL names it. */
const ownUrlOf = (id: string, { catalog, usualCatalog }: Scope['services']): string =>
  `/images/${id}${catalog === usualCatalog ? '' : `?catalog=${catalog}`}`;

async function byUrl({ services, products }: Scope, url: string): Promise<ProductRow | null> {
  const found = await services.productByUrl(url);
  if (found) products.prime(found.id, found);
  return found;
}
