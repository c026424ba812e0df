import { useQuery } from '@tanstack/react-query';
import { api, Input, Page, PageBlock, PageLayout, PageTitle } from '@vendure/dashboard';
import { useState } from 'react';
import { SimilarItems } from './similar-items';

const STATUS = `query SimiliStatus {
  similiStatus {
    page problem products picturesPending picturesFailed
    version { number trained products promotedAt }
    training { state message finishedAt gains { of before after } }
  }
}`;
const PRODUCTS = `query SimiliProducts($name: String!) {
  products(options: { take: 10, filter: { name: { contains: $name } } }) { items { id name } }
}`;

type Version = { number: number; trained: boolean; products: number; promotedAt: string | null };
type Gain = { of: string; before: number | null; after: number };
type Training = { state: string; message: string | null; finishedAt: string | null; gains: Gain[] };
type Status = {
  page: string;
  problem: string | null;
  products: number;
  picturesPending: number;
  picturesFailed: number;
  version: Version | null;
  training: Training | null;
};
type Found = { products: { items: { id: string; name: string }[] } };

/** The facts about Simili, and similar items of any product. */
export function StatusPage() {
  const { data, error } = useQuery({
    queryKey: ['simili', 'status'],
    queryFn: () => api.query<{ similiStatus: Status }>(STATUS),
    refetchInterval: 10_000,
  });
  const status = data?.similiStatus;
  return (
    <Page pageId="simili">
      <PageTitle>Similar items</PageTitle>
      <PageLayout>
        <PageBlock column="main" blockId="simili-products" title="Of a product">
          <OfProduct />
        </PageBlock>
        <PageBlock column="side" blockId="simili-status" title="Simili">
          {error && <p role="alert">{error.message}</p>}
          {status && <Facts {...status} />}
        </PageBlock>
      </PageLayout>
    </Page>
  );
}

const time = (moment: string | null) => (moment ? new Date(moment).toLocaleString() : '');
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function Facts({ page, problem, products, picturesPending, picturesFailed, version, training }: Status) {
  if (problem) return <p role="alert">Simili does not answer: {problem}</p>;
  return (
    <div className="space-y-4" data-testid="simili-facts">
      <p>
        {version
          ? `Model ${version.number} (${version.trained ? 'trained' : 'untrained'}) serves since ${time(version.promotedAt)}`
          : 'No model serves yet'}
      </p>
      <p>
        {version?.products ?? 0} of {products} products can be compared. Pictures: {picturesPending} wait,{' '}
        {picturesFailed} failed.
      </p>
      {training && <LastTraining {...training} />}
      <p>
        <a href={page} target="_blank" rel="noreferrer" className="underline">
          Simili's own page
        </a>
      </p>
    </div>
  );
}

function LastTraining({ state, message, finishedAt, gains }: Training) {
  return (
    <div>
      <p>
        Last training: {state.toLowerCase()} {time(finishedAt)}
      </p>
      {message && <p>{message}</p>}
      <ul>
        {gains.map(({ of, before, after }) => (
          <li key={of}>
            Right order, {of}: {before === null ? '' : `${percent(before)}, now `}
            {percent(after)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Products by a part of their name, and what is similar to the one that is chosen. */
function OfProduct() {
  const [name, setName] = useState('');
  const [chosen, choose] = useState<string>();
  const { data } = useQuery({
    queryKey: ['simili', 'products', name],
    queryFn: () => api.query<Found>(PRODUCTS, { name }),
  });
  return (
    <div className="space-y-4">
      <Input aria-label="Product" placeholder="Product" value={name} onChange={({ target }) => setName(target.value)} />
      <ul aria-label="Products" className="flex flex-wrap gap-2">
        {data?.products.items.map((product) => (
          <li key={product.id}>
            <button
              type="button"
              aria-pressed={product.id === chosen}
              onClick={() => choose(product.id)}
              className="underline"
            >
              {product.name}
            </button>
          </li>
        ))}
      </ul>
      {chosen && <SimilarItems id={chosen} />}
    </div>
  );
}
