import { open } from 'node:fs/promises';
import { PICTURE_SIZE } from '@simili/learning/picture';
import { encodeMissing, keyOf } from '@simili/worker/embedding/encoding';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import { FEWEST_PRODUCTS, makeColumns } from '@simili/worker/evidence/training-set';
import { openConfiguredPictures } from '@simili/worker/pictures/configured';
import type { EngineHost } from '@simili/worker/training/engine-client';
import type { TrainingSet } from '@simili/worker/training/protocol';
import { configuredCopies } from '../../src/catalog/picture-copies.ts';
import type { Config } from '../../src/config.ts';
import type { ReadyImage } from '../../src/db/images.ts';
import { SimiliError } from '../../src/errors.ts';
import type { Shop } from '../shop/open-shop.ts';
import type { SeenPage } from '../shop/operations.ts';

const PAGE = 500;

export type Taught = {
  /** With what the teacher saw. */
  readonly set: TrainingSet;
  readonly products: number;
  /** Pictures that the teacher has not looked at, and that cannot be read now: they are left out. */
  readonly unseen: number;
  readonly unreadable: number;
};

/**
 * The catalog of a shop with what its encoder saw of it and keeps. It looks at nothing twice; pictures that ingest did not get to
 * it looks at now, unless a server has the shop open, whose business that is.
 * @param path of the file of vectors that is written
 * @throws SimiliError CONFIGURATION_INVALID: it has not looked at the catalog; CATALOG_TOO_SMALL; as `encodeMissing`.
 */
export async function collectTaught(
  shop: Pick<Shop, 'app' | 'run'>,
  host: EngineHost,
  { config, teacher, path, signal }: { config: Config; teacher: InstalledEncoder; path: string; signal: AbortSignal },
): Promise<Taught> {
  const pictures = openConfiguredPictures(config, configuredCopies(config));
  const file = await open(path, 'w');
  const columns = makeColumns();
  const encoder = keyOf({ pictures }, teacher);
  const isReadable = ({ contentHash, source }: SeenPage['images'][number]): Promise<boolean> =>
    pictures.ensure(contentHash, source, signal, [PICTURE_SIZE]).then(
      () => true,
      () => false,
    );
  let [unseen, unreadable]: [number, number] = [0, 0];
  try {
    if (shop.app) await lookAtMissing({ ...shop.app, pictures, embedder: host }, teacher, signal);
    let after: SeenPage['next'] = null;
    do {
      signal.throwIfAborted();
      const page: SeenPage = await shop.run('seen', { encoder, after });
      const bytes = Buffer.from(page.base64, 'base64');
      const row = 2 * teacher.facts.dimensions;
      const readable = await Promise.all(page.images.map(isReadable));
      for (const [i, image] of page.images.entries()) {
        if (!readable[i]) continue;
        columns.add(image);
        await file.appendFile(bytes.subarray(i * row, (i + 1) * row));
      }
      unseen += page.unseen;
      unreadable += readable.filter((fine) => !fine).length;
      after = page.next;
    } while (after);
  } finally {
    await Promise.all([file.close(), pictures.close()]);
  }
  const { ids, set } = columns.finish(pictures.folders([PICTURE_SIZE]));
  check(ids.length, unseen, teacher);
  return { set: { ...set, encoded: { encoder: teacher.facts, path } }, products: ids.length, unseen, unreadable };
}

async function lookAtMissing(
  context: Parameters<typeof encodeMissing>[0],
  teacher: InstalledEncoder,
  signal: AbortSignal,
): Promise<void> {
  let after: ReadyImage | null = null;
  do {
    const page: ReadyImage[] = await context.repositories.images.readyPage(PAGE, after);
    await encodeMissing(context, teacher, page, signal);
    after = page.at(-1) ?? null;
  } while (after);
}

function check(have: number, unseen: number, { facts }: InstalledEncoder): void {
  const need = FEWEST_PRODUCTS.NETWORK;
  if (have >= need) return;
  if (unseen === 0) throw new SimiliError('CATALOG_TOO_SMALL', { have, need });
  const why = `${facts.id} has not looked at ${unseen} pictures of this shop: start the shop with this SIMILI_ENCODER first`;
  throw new SimiliError('CONFIGURATION_INVALID', { why });
}
