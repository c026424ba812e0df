import { GOLDEN } from '../../learning/features/golden.ts';
import { PICTURE_SIZE } from '../../learning/picture.ts';
import { loadConfig } from '../../src/config.ts';
import type { JobRow } from '../../src/db/jobs.ts';
import { until } from '../../test/support/until.ts';
import { findEncoder } from '../../workers/encoders/find.ts';
import type { InstalledEncoder } from '../../workers/engines/onnx/encoder-description.ts';
import { openConfiguredPictures } from '../../workers/pictures/configured.ts';
import { frozenModel, generatedCatalog, type ProjectedCatalog } from '../projection-catalog.ts';
import { KEY } from '../running.ts';
import type { ShopPictures } from './pictures.ts';

const ENCODER = 'efficientnet-lite0';
const UPSERT = `mutation ($products: [ProductInput!]!) {
  upsertProducts(input: { products: $products }) { created userErrors { message } } }`;

export type Shop = ProjectedCatalog & { encoder: InstalledEncoder };

/** Products whose features are stored as a worker stores them, so that it embeds them by the model that it is given, and new ones by the same. */
export async function fillShop(admin: string, products: number): Promise<Shop> {
  const encoder = await findEncoder(ENCODER);
  const pictures = openConfiguredPictures(loadConfig({}));
  const keyOf = (id: string, side: number) => `${id}/${pictures.look(side)}`;
  const eyes = [
    { dimensions: GOLDEN.dimensions, key: keyOf(GOLDEN.id, PICTURE_SIZE) },
    { dimensions: encoder!.facts.dimensions, key: keyOf(encoder!.facts.id, encoder!.description.input.side) },
  ];
  await pictures.close();
  const catalog = await generatedCatalog(admin, products, eyes);
  await catalog.storage.prisma.$executeRawUnsafe('TRUNCATE simili.vector_queue'); // the first version reads all products
  return { ...catalog, encoder: encoder! };
}

/** A version as if its training had just ended: the workers embed all products with it, build its index and compare it. */
export async function embedAnew({ repositories, encoder }: Shop, seed: number): Promise<JobRow> {
  const { jobs, models } = repositories;
  const job = await jobs.create('RETRAIN', {}, 'bench');
  const claim = await jobs.claim(job.id, 'TRAIN');
  if (!claim) throw new Error('somebody else has taken the job');
  const parent = await models.serving();
  await models.commitTrained(claim, {
    ...frozenModel(encoder, ENCODER, seed),
    kind: 'NETWORK', // so that no worker trains a first one
    parentId: parent?.modelId ?? null,
  });
  return job;
}

/** @throws Error where it fails */
export const ended = ({ repositories: { jobs } }: Shop, id: string, seconds: number): Promise<JobRow> =>
  until(async () => {
    const job = await jobs.byId(id);
    if (job?.state === 'FAILED') throw new Error(`the version was not embedded: ${JSON.stringify(job.error)}`);
    return job?.state === 'SUCCEEDED' && job;
  }, seconds);

export type NewProduct = { id: string; picture: number; variant: number };

/** Upserts products over the admin API, as a shop does. @throws Error unless all are new */
export async function upsert(url: string, pictures: ShopPictures, products: readonly NewProduct[]): Promise<void> {
  const entries = products.map(({ id, picture, variant }) => ({
    id,
    title: `Product ${id}`,
    imageUrls: [pictures.urlOf(picture, variant)],
    price: '9.90',
    currencyCode: 'EUR',
  }));
  const answer = await fetch(`${url}/admin/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ query: UPSERT, variables: { products: entries } }),
  });
  const body = (await answer.json()) as { data?: { upsertProducts?: { created: number } } };
  if (body.data?.upsertProducts?.created !== products.length) throw new Error(`not written: ${JSON.stringify(body)}`);
}
