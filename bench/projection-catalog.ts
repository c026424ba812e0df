import { GOLDEN } from '../learning/features/golden.ts';
import { type HandMade, handMadeFeatures } from '../learning/features/index.ts';
import { scaleToUnit } from '../learning/features/unit.ts';
import { encodeModel, servedLength } from '../learning/models/artefact.ts';
import { encodedFeatures } from '../learning/models/encoder-facts.ts';
import type { Block, ServedModel } from '../learning/models/served-model.ts';
import { toHalf } from '../learning/numbers/half.ts';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../test/support/database.ts';
import type { InstalledEncoder } from '../workers/engines/onnx/encoder-description.ts';
import { sha256 } from '../workers/tools/sha256.ts';
import { HAND_MADE } from '../workers/training/features/blocks.ts';
import { directionsOfPart } from '../workers/training/features/encoder-block.ts';

export type ProjectedCatalog = FreshDatabase & {
  /** Under which features are stored. */
  keys: readonly string[];
  /** Writes all vectors of a version once more, into a table like its own. */
  copyVectors(model: number): Promise<unknown>;
};

/** How its pictures were decoded: none was. */
export const LOOK = 'none';
/** Features that differ; as many products share one. */
const DISTINCT = 1000;

/** Lengths of what the shipped encoder's layers see. */
const output = {
  name: 'out',
  dimensions: 1952,
  pooling: 'none' as const,
  parts: [
    { name: 'last', length: 1280 },
    { name: 'middle', length: 672 },
  ],
} satisfies InstalledEncoder['description']['output'];

/** An encoder of which only the name and the lengths are used. */
export const encoder: InstalledEncoder = {
  facts: {
    id: 'generated-eye',
    title: 'Generated',
    licence: 'none',
    dimensions: output.dimensions,
    parts: output.parts,
  },
  description: {
    name: 'generated-eye',
    title: 'Generated',
    licence: 'none',
    model: 'none',
    sha256: '0'.repeat(64),
    input: {
      name: 'in',
      side: 224,
      layout: 'NCHW',
      channels: 'RGB',
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
    },
    output,
  },
  path: '/nowhere',
};

/** Products with one picture each, all of whose features are stored: hand-made ones and an encoder's, of the real lengths. */
export async function generatedCatalog(url: string | undefined, products: number): Promise<ProjectedCatalog> {
  const database = await freshDatabase(url);
  const { prisma } = database.storage;
  const random = makeRandom(1);
  const eyes = [GOLDEN, encoder.facts];
  const keys = eyes.map(({ id }) => `${id}/${LOOK}`);
  for (const [i, { dimensions }] of eyes.entries())
    await database.repositories.features.add(`${keys[i]} base`, baseRows(dimensions, random));
  await prisma.$executeRawUnsafe(`
    INSERT INTO simili.product (catalog_id, id, title, fingerprint)
    SELECT 'default', 'p' || lpad(i::text, 8, '0'), 'Product', md5(i::text) FROM generate_series(0, ${products - 1}) AS i`);
  await prisma.$executeRawUnsafe(`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, content_hash, state, mime, width, height)
    SELECT 'default', 'i' || i, 'p' || lpad(i::text, 8, '0'), 0, '/' || i, md5(i::text) || md5('-' || i), 'READY', 'image/png', 8, 8
    FROM generate_series(0, ${products - 1}) AS i`);
  for (const key of keys)
    await prisma.$executeRawUnsafe(`
      INSERT INTO simili.picture_feature (encoder, content_hash, vec)
      SELECT '${key}', md5(i::text) || md5('-' || i), f.vec FROM generate_series(0, ${products - 1}) AS i
      JOIN simili.picture_feature f ON f.encoder = '${key} base' AND f.content_hash = (i % ${DISTINCT})::text`);
  await prisma.$executeRawUnsafe('ANALYZE simili.product, simili.product_image, simili.picture_feature');
  const copyVectors = async (model: number) => {
    await prisma.$executeRawUnsafe(`CREATE TABLE copied (LIKE simili.embedding_${model} INCLUDING ALL)`);
    await prisma.$executeRawUnsafe(`INSERT INTO copied SELECT * FROM simili.embedding_${model}`);
  };
  return { ...database, keys, copyVectors };
}

const baseRows = (dimensions: number, random: Random): Map<string, Uint16Array> =>
  new Map(
    Array.from({ length: DISTINCT }, (_, i) => {
      const row = scaleToUnit(Float32Array.from({ length: dimensions }, () => random.gaussian()));
      return [String(i), toHalf(row)] as const;
    }),
  );

/** A version as the first model of a catalog is, of the lengths that are served; its table is empty. */
export async function frozenVersion({ storage, repositories }: ProjectedCatalog) {
  const random = makeRandom(2);
  const block = (length: number, keep: number) => ({
    weight: 0.2,
    mean: new Float32Array(length).fill(0.01),
    projection: Float32Array.from({ length: Math.min(keep, length) * length }, () => random.gaussian()),
  });
  const names = Object.keys(HAND_MADE) as HandMade[];
  const golden = names.map(
    (feature): Block => ({ feature, ...block(handMadeFeatures[feature].length, HAND_MADE[feature].keep) }),
  );
  const { facts } = encoder;
  const seen = encodedFeatures(facts).map(
    ({ feature, length }): Block => ({ feature, encoder: facts, ...block(length, directionsOfPart(facts)) }),
  );
  const model: ServedModel = { blocks: [...golden, ...seen], network: null };
  const artefact = encodeModel(model);
  const shares = Object.fromEntries(model.blocks.map(({ feature, weight }) => [feature, weight]));
  const metrics = { training: { shares, encoder: { ...facts, choice: 'generated' } } };
  const row = await storage.prisma.modelVersion.create({
    data: {
      catalogId: repositories.catalog,
      id: `mdl_${sha256(artefact).slice(0, 12)}`,
      kind: 'GOLDEN',
      dimensions: servedLength(model),
      metrics,
      checksum: sha256(artefact),
      artefact: new Uint8Array(artefact),
    },
  });
  await repositories.embeddings.createTable(row.number, pictureSpace(row.dimensions));
  return row;
}
