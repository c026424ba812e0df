import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type HandMade, handMadeFeatures } from '../learning/features/index.ts';
import { encodeModel, servedLength } from '../learning/models/artefact.ts';
import type { ServedModel } from '../learning/models/served-model.ts';
import { initialWeights } from '../learning/network/initial-weights.ts';
import { presetNamed } from '../learning/network/presets.ts';
import { makeRandom } from '../learning/numbers/random.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { type FreshDatabase, freshDatabase } from '../test/support/database.ts';
import { sha256 } from '../workers/tools/sha256.ts';
import { HAND_MADE, NETWORK } from '../workers/training/features/blocks.ts';
import { sidesFor } from '../workers/training/network/spec.ts';

export type PictureFile = { path: string; bytes: Uint8Array; contentHash: string };

/** Different real pictures of the demo catalog's package, spread over all of them: WebP, 256 px, transparent. */
export async function pictureFiles(count: number): Promise<PictureFile[]> {
  const root = dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json'));
  const names = (await readdir(join(root, 'assets'))).sort();
  const found = new Map<string, PictureFile>();
  for (let i = 0; i < names.length && found.size < count; i++) {
    const path = join(root, 'assets', names[(i * 1009) % names.length]!);
    const bytes = await readFile(path);
    const contentHash = sha256(bytes);
    found.set(contentHash, { path, bytes, contentHash });
  }
  return [...found.values()];
}

/**
 * A database of its own (on the server of DATABASE_URL, else PGlite) with a product for each picture, whose pixels nobody
 * has decoded here yet.
 */
export async function catalogOf(files: readonly PictureFile[]): Promise<FreshDatabase> {
  const database = await freshDatabase(process.env.DATABASE_URL);
  const { prisma } = database.storage;
  const { catalog: catalogId } = database.repositories;
  const ids = files.map((_file, i) => `p${String(i).padStart(6, '0')}`);
  await prisma.product.createMany({
    data: ids.map((id) => ({ catalogId, id, title: id, fingerprint: createHash('sha256').update(id).digest('hex') })),
  });
  await prisma.productImage.createMany({
    data: files.map(({ path, contentHash }, i) => ({
      catalogId,
      id: `i${ids[i]}`,
      productId: ids[i]!,
      position: 0,
      source: path,
      contentHash,
      state: 'READY' as const,
      mime: 'image/webp',
      width: 256,
      height: 256,
    })),
  });
  return database;
}

/** A version as a training makes them: three hand-made features and a network, of the sizes that are served. */
export function servedModel(preset: string): ServedModel {
  const random = makeRandom(1);
  const spec = presetNamed(preset);
  const block = (feature: HandMade | 'network', length: number, keep: number) => ({
    feature,
    weight: 0.25,
    mean: new Float32Array(length),
    projection: Float32Array.from({ length: Math.min(keep, length) * length }, () => random.gaussian()),
  });
  const features = Object.keys(HAND_MADE) as HandMade[];
  const blocks = features.map((feature) => block(feature, handMadeFeatures[feature].length, HAND_MADE[feature].keep));
  const network = { spec, weights: initialWeights(spec, random), backbone: null };
  return { blocks: [...blocks, block('network', spec.embedding, NETWORK.keep)], network };
}

/** Writes it down as a version whose table is empty. */
export async function storeModel({ storage, repositories }: FreshDatabase, model: ServedModel) {
  const artefact = encodeModel(model);
  const metrics = { training: { sides: sidesFor(model.network!.spec) } };
  const row = await storage.prisma.modelVersion.create({
    data: {
      catalogId: repositories.catalog,
      id: `mdl_${sha256(artefact).slice(0, 12)}`,
      kind: 'NETWORK',
      dimensions: servedLength(model),
      checksum: sha256(artefact),
      artefact: new Uint8Array(artefact),
      metrics,
    },
  });
  await repositories.embeddings.createTable(row.number, pictureSpace(row.dimensions));
  return row;
}
