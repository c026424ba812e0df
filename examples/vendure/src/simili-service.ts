import { Inject, Injectable } from '@nestjs/common';
import { Logger } from '@vendure/core';
import { SIMILI_OPTIONS, type SimiliOptions } from './options';

/** A page waits for a list; a job has time. Milliseconds. */
const LIST_PATIENCE = 2_000;
const WRITE_PATIENCE = 60_000;

const LIST = `query ($id: ID!, $first: Int!, $channel: String!) {
  similarItems(id: $id, first: $first, filter: { attributes: [{ name: "channel", anyOf: [$channel] }] }) {
    status recommendationId nodes { id }
  }
}`;
const UPSERT = `mutation ($products: [ProductInput!]!) {
  upsertProducts(input: { products: $products }) { userErrors { field message } }
}`;
const DELETE = `mutation ($ids: [ID!]!) { deleteProducts(input: { ids: $ids }) { userErrors { field message } } }`;

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
type Written = { userErrors: { field: string[] | null; message: string }[] };

/** Simili over HTTP. */
@Injectable()
export class SimiliService {
  constructor(@Inject(SIMILI_OPTIONS) private options: SimiliOptions) {}

  similarItems(id: string, first: number, channel: string): Promise<SimilarList | null> {
    return this.ask('/graphql', LIST, { id, first, channel }, LIST_PATIENCE);
  }

  /** @param products at most 500. What is wrong with one of them is logged, and the others are taken. */
  async upsert(products: SimiliProduct[]): Promise<void> {
    if (products.length > 0) this.log(await this.write(UPSERT, { products }));
  }

  /** @param ids at most 500 */
  async remove(ids: string[]): Promise<void> {
    if (ids.length > 0) this.log(await this.write(DELETE, { ids }));
  }

  private write(query: string, variables: object): Promise<Written> {
    return this.ask('/admin/graphql', query, variables, WRITE_PATIENCE, {
      authorization: `Bearer ${this.options.key}`,
    });
  }

  private log({ userErrors }: Written): void {
    for (const { field, message } of userErrors) Logger.warn(`${field?.join('.')}: ${message}`, 'SimiliPlugin');
  }

  /** The one field of an answer. @throws where there is none, so that a job is tried again */
  private async ask<T>(path: string, query: string, variables: object, patience: number, headers = {}): Promise<T> {
    const { url, catalog } = this.options;
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(catalog && { 'simili-catalog': catalog }), ...headers },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(patience),
    });
    const { data, errors } = (await response.json()) as { data?: Record<string, T>; errors?: { message: string }[] };
    if (errors?.length || !data)
      throw new Error(errors?.[0]?.message ?? `Simili answered with status ${response.status}`);
    return Object.values(data)[0] as T;
  }
}
