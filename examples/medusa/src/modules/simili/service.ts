import type { Logger } from '@medusajs/framework/types';

/** A page does not wait long; a change has time. Milliseconds. */
const PAGE_PATIENCE = 2_000;
const WRITE_PATIENCE = 60_000;

const LIST = `query ($id: ID!, $first: Int!, $channels: [String!]!) {
  similarItems(id: $id, first: $first, filter: { attributes: [{ name: "channel", anyOf: $channels }] }) {
    status recommendationId nodes { id }
  }
}`;
const UPSERT = `mutation ($products: [ProductInput!]!) {
  written: upsertProducts(input: { products: $products }) { userErrors { field message } }
}`;
const DELETE = `mutation ($ids: [ID!]!) { written: deleteProducts(input: { ids: $ids }) { userErrors { field message } } }`;

export type SimiliOptions = {
  /** Where Simili is, e.g. http://simili:4000. */
  url: string;
  /** A key that may write products: npx simili key create --name medusa --scopes catalog */
  key: string;
  /** The currency of the prices that Simili filters by, e.g. eur. */
  currency: string;
  /** A catalog other than Simili's usual one. */
  catalog?: string;
};
export type SimilarList = { status: string; recommendationId: string; nodes: { id: string }[] };
/** As ProductInput of Simili's admin contract. */
export type SimiliProduct = {
  id: string;
  title: string;
  imageUrls: string[];
  categories: string[];
  tags: string[];
  price: string | null;
  currencyCode: string | null;
  availableForSale: boolean;
};
type Written = { written: { userErrors: { field: string[] | null; message: string }[] } };

/** Simili over HTTP. */
export default class SimiliService {
  private logger: Logger;
  private behind = new Set<string>();

  constructor(
    { logger }: { logger: Logger },
    readonly options: SimiliOptions,
  ) {
    this.logger = logger;
  }

  /** @param channels ids of sales channels: products of one of them */
  async similarItems(id: string, first: number, channels: string[]): Promise<SimilarList | null> {
    type Answer = { similarItems: SimilarList | null };
    return (await this.ask<Answer>('/graphql', LIST, { id, first, channels }, PAGE_PATIENCE)).similarItems;
  }

  /** @param products at most 500. What is wrong with one of them is logged, and the others are taken. */
  async upsert(products: SimiliProduct[]): Promise<void> {
    if (products.length > 0) await this.write(UPSERT, { products });
  }

  /** @param ids at most 500 */
  async remove(ids: string[]): Promise<void> {
    if (ids.length > 0) await this.write(DELETE, { ids });
  }

  /** Remembers products whose change did not arrive. */
  keep(ids: string[]): void {
    for (const id of ids) this.behind.add(id);
  }

  /** Those that were kept; they are not any more. */
  take(): string[] {
    const ids = [...this.behind];
    this.behind.clear();
    return ids;
  }

  private async write(query: string, variables: object): Promise<void> {
    const headers = { authorization: `Bearer ${this.options.key}` };
    const { written } = await this.ask<Written>('/admin/graphql', query, variables, WRITE_PATIENCE, headers);
    for (const { field, message } of written.userErrors) this.logger.warn(`simili: ${field?.join('.')}: ${message}`);
  }

  /** The data of an answer. @throws where one of its fields has an error, so that a change is sent again */
  private async ask<T>(path: string, query: string, variables: object, patience: number, headers = {}): Promise<T> {
    const { url, catalog } = this.options;
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(catalog && { 'simili-catalog': catalog }), ...headers },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(patience),
    });
    const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] };
    if (errors?.length || !data)
      throw new Error(errors?.[0]?.message ?? `Simili answered with status ${response.status}`);
    return data;
  }
}
