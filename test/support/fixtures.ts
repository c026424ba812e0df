import { createHash, randomUUID } from 'node:crypto';
import { judgeImported } from '../../src/catalog/judge-product.ts';
import { type ProductDraft, writeProducts } from '../../src/catalog/products.ts';
import type { ModelState } from '../../src/db/models.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import type { FreshDatabase } from './database.ts';

export type TestModel = { id: string; number: number };

/** A queue that only remembers what was added. */
export function fakeQueue() {
  const added: { name: string; payload: object; key: string | undefined }[] = [];
  return {
    added,
    async add(name: string, payload: object, key?: string) {
      added.push({ name, payload, key });
    },
    withdraw: async () => {},
    alive: async () => true as boolean,
  };
}

/** A product with the least that is needed; its picture, if any, is READY at once. */
export async function addProducts(
  database: Pick<FreshDatabase, 'repositories'>,
  drafts: readonly (Partial<ProductDraft> & { id: string })[],
): Promise<void> {
  const full = drafts.map((draft) => ({
    title: `Product ${draft.id}`,
    imageUrls: [],
    ...draft,
  }));
  const { catalog, products } = database.repositories;
  const { rejections } = await writeProducts(full, { catalog, products, queue: fakeQueue() }, judgeImported);
  if (rejections[0]) throw rejections[0].error;
}

/** A model version with the given vectors (made unit length here). It serves when its state is ACTIVE. */
export async function addModel(
  {
    storage: { prisma },
    repositories: { catalog: catalogId, embeddings },
  }: Pick<FreshDatabase, 'storage' | 'repositories'>,
  vectors: Readonly<Record<string, readonly number[]>>,
  state: ModelState = 'ACTIVE',
): Promise<TestModel> {
  const dimensions = Object.values(vectors)[0]?.length ?? 2;
  const checksum = createHash('sha256').update('').digest('hex');
  const { id, number } = await prisma.modelVersion.create({
    data: {
      catalogId,
      id: `mdl_${randomUUID()}`,
      kind: 'GOLDEN',
      state,
      dimensions,
      checksum,
      artefact: new Uint8Array(),
    },
  });
  await embeddings.createTable(number, pictureSpace(dimensions));
  const rows = Object.entries(vectors).map(([productId, vector]) => ({
    productId,
    contentHash: 'test',
    vector: unit(vector),
  }));
  for (let i = 0; i < rows.length; i += 500) await embeddings.upsert(number, rows.slice(i, i + 500));
  await embeddings.createIndex(number, pictureSpace(dimensions));
  if (state === 'ACTIVE') await serve({ storage: { prisma } }, id, catalogId);
  return { id, number };
}

/** Moves the serving pointer, as a promotion does. */
export async function serve(
  { storage: { prisma } }: { storage: Pick<FreshDatabase['storage'], 'prisma'> },
  modelId: string,
  catalogId = 'default',
): Promise<void> {
  await prisma.modelVersion.updateMany({ where: { catalogId, state: 'ACTIVE' }, data: { state: 'STANDBY' } });
  await prisma.modelVersion.update({
    where: { catalogId_id: { catalogId, id: modelId } },
    data: { state: 'ACTIVE', promotedAt: new Date() },
  });
  await prisma.$executeRaw`
    INSERT INTO simili.serving AS s (catalog_id, slot, version_id, weight)
    SELECT ${catalogId}, 'active', ${modelId}, 1
    UNION ALL SELECT catalog_id, 'previous', version_id, 0 FROM simili.serving
      WHERE catalog_id = ${catalogId} AND slot = 'active' AND version_id <> ${modelId}
    ON CONFLICT (catalog_id, slot) DO UPDATE SET version_id = excluded.version_id, epoch = s.epoch + 1`;
}

export function unit(vector: readonly number[]): Float32Array {
  const norm = Math.hypot(...vector);
  return Float32Array.from(vector, (x) => x / norm);
}
