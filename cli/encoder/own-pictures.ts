import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PICTURE_SIZE, type Picture } from '@simili/learning/picture';
import { openConfiguredPictures } from '@simili/worker/pictures/configured';
import { makePictureStore } from '@simili/worker/training/data/picture-store';
import { type CatalogEntry, readCatalog } from '../../src/catalog/import/index.ts';
import { configuredCopies } from '../../src/catalog/picture-copies.ts';
import type { Config } from '../../src/config.ts';
import { demoCatalog } from '../demo-catalog.ts';

/** A picture of a product; `contentHash` where it was decoded before. */
type Source = { title: string; source: string; contentHash?: string };
export type OwnPictures = {
  /** For people: "120 products of this shop". */
  readonly whose: string;
  readonly titles: readonly string[];
  /** Trimmed squares; every picture once. */
  load(picture: number, side: number): Picture;
  close(): Promise<void>;
};

/** Pictures that are shown to an encoder, and fewer than which say nothing. */
const SHOWN = 150;
const FEWEST = 7;

/**
 * Pictures at the side of an encoder and at the common one: of a catalog on disk, else of the shop that is configured, else of
 * the demo. They are decoded as a worker does, into a folder that goes with `close`.
 * @returns null: there are none, or too few.
 * @throws SimiliError as reading the catalog or opening the shop does.
 */
export async function ownPictures(catalog: string | null, side: number, config: Config): Promise<OwnPictures | null> {
  for (const [whose, sources] of origins(catalog, config)) {
    const found = evenly(await sources(), SHOWN);
    if (found.length < FEWEST) continue;
    const decoded = await decode(found, side, config);
    if (decoded.titles.length >= FEWEST) return { ...decoded, whose: `${decoded.titles.length} products of ${whose}` };
    await decoded.close();
  }
  return null;
}

function origins(catalog: string | null, config: Config): [string, () => Promise<Source[]>][] {
  if (catalog !== null) return [[catalog, () => read(readCatalog(catalog))]];
  const isShop = config.DATABASE_URL || existsSync(join(config.SIMILI_DATA_DIR, 'database'));
  const demo = demoCatalog();
  return [
    ...(isShop ? [['this shop', () => ofShop(config)] as [string, () => Promise<Source[]>]] : []),
    ...(demo ? [['the demo', () => read(demo)] as [string, () => Promise<Source[]>]] : []),
  ];
}

async function read(entries: AsyncGenerator<CatalogEntry>): Promise<Source[]> {
  const found: Source[] = [];
  for await (const entry of entries)
    if ('row' in entry && entry.row.images[0]) found.push({ title: entry.row.title, source: entry.row.images[0] });
  return found;
}

async function ofShop({ SIMILI_CATALOG: catalog }: Config): Promise<Source[]> {
  const { openShop } = await import('../shop/open-shop.ts');
  const shop = await openShop(catalog);
  try {
    return await shop.run('sample', {});
  } finally {
    await shop.close();
  }
}

async function decode(sources: readonly Source[], side: number, config: Config): Promise<Omit<OwnPictures, 'whose'>> {
  const dir = await mkdtemp(join(tmpdir(), 'simili-encoder-'));
  // Copies are of the shop's own pictures: others are not added to them.
  const copies = sources.some(({ contentHash }) => contentHash !== undefined) ? configuredCopies(config) : undefined;
  const pictures = openConfiguredPictures({ ...config, SIMILI_DATA_DIR: dir }, copies);
  const sides = [...new Set([PICTURE_SIZE, side])];
  const titles = new Map<string, string>();
  try {
    const hashes = await Promise.all(
      sources
        .map(async ({ source, contentHash }) => {
          if (contentHash === undefined) return (await pictures.load(source, undefined, sides)).contentHash;
          await pictures.ensure(contentHash, source, undefined, sides);
          return contentHash;
        })
        .map((work) => work.catch(() => null)), // what cannot be read is not shown
    );
    for (const [i, hash] of hashes.entries()) if (hash !== null) titles.set(hash, sources[i]!.title);
  } finally {
    await pictures.close();
  }
  const hashes = Buffer.from([...titles.keys()].join(''), 'hex');
  return {
    titles: [...titles.values()],
    load: makePictureStore({ hashes, pixels: pictures.folders(sides) }),
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

/** At most so many, from all over the list. */
const evenly = <T>(all: readonly T[], most: number): T[] =>
  all.length <= most ? [...all] : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!);
