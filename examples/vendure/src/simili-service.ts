import { Inject, Injectable } from '@nestjs/common';
import { Logger } from '@vendure/core';
import { SIMILI_OPTIONS, type SimiliOptions } from './options';

/** A page does not wait long; a job has time. Milliseconds. */
const PAGE_PATIENCE = 2_000;
const WRITE_PATIENCE = 60_000;

const LIST = `query ($id: ID!, $first: Int!, $channel: String!) {
  similarItems(id: $id, first: $first, filter: { attributes: [{ name: "channel", anyOf: [$channel] }] }) {
    status recommendationId nodes { id }
  }
}`;
const UPSERT = `mutation ($products: [ProductInput!]!) {
  written: upsertProducts(input: { products: $products }) { userErrors { field message } }
}`;
const DELETE = `mutation ($ids: [ID!]!) { written: deleteProducts(input: { ids: $ids }) { userErrors { field message } } }`;

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

  /** The address of its own page, for people. */
  get page(): string {
    return this.options.page ?? this.options.url;
  }

  async similarItems(id: string, first: number, channel: string): Promise<SimilarList | null> {
    type Answer = { similarItems: SimilarList | null };
    return (await this.ask<Answer>('/graphql', LIST, { id, first, channel }, PAGE_PATIENCE)).similarItems;
  }

  /** Asks the admin API, for a page. The key needs the scopes of the fields. */
  asOperator<T>(query: string): Promise<T> {
    return this.ask('/admin/graphql', query, {}, PAGE_PATIENCE, this.key);
  }

  /** @param products at most 500. What is wrong with one of them is logged, and the others are taken. */
  async upsert(products: SimiliProduct[]): Promise<void> {
    if (products.length > 0) this.log(await this.write(UPSERT, { products }));
  }

  /** @param ids at most 500 */
  async remove(ids: string[]): Promise<void> {
    if (ids.length > 0) this.log(await this.write(DELETE, { ids }));
  }

  private get key() {
    return { authorization: `Bearer ${this.options.key}` };
  }

  private async write(query: string, variables: object): Promise<Written> {
    const answer = await this.ask<{ written: Written }>('/admin/graphql', query, variables, WRITE_PATIENCE, this.key);
    return answer.written;
  }

  private log({ userErrors }: Written): void {
    for (const { field, message } of userErrors) Logger.warn(`${field?.join('.')}: ${message}`, 'SimiliPlugin');
  }

  /** The data of an answer. @throws where one of its fields has an error, so that a job is tried again */
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
