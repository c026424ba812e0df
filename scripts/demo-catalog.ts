import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CatalogEntry, ImportRow } from '../src/catalog/import/index.ts';
import { SimiliError } from '../src/errors.ts';

const PICTURES = '@lobehub/fluent-emoji-3d';
const NAMES = 'emojibase-data';
/** Groups of emoji that show things (not faces, people, symbols, flags), and what a shop would call them. */
const GROUPS: Record<string, string> = {
  'food-drink': 'Food & Drink',
  activities: 'Activities',
  'travel-places': 'Travel & Places',
  objects: 'Objects',
  'animals-nature': 'Animals & Nature',
};

/** Fields that are used of emojibase's en/data.json and meta/groups.json. */
type Emoji = { label: string; hexcode: string; order?: number; group?: number; subgroup?: number; tags?: string[] };
type Groups = { groups: Record<string, string>; subgroups: Record<string, string> };

/**
 * About 850 rendered things with their real names, keywords, groups and pictures: 3D emoji from npm packages (MIT).
 * Price and stock are invented, from the id, and every product says so by the tag `invented-price`.
 * @param resolve path of a file of an installed package, as `require.resolve`.
 * @throws SimiliError IMPORT_UNREADABLE when the packages are not installed.
 */
export async function* demoCatalog(
  resolve: (file: string) => string = createRequire(import.meta.url).resolve,
): AsyncGenerator<CatalogEntry> {
  const emojis = await readJson<Emoji[]>(locate(resolve, NAMES, 'en/data.json'));
  const groups = await readJson<Groups>(locate(resolve, NAMES, 'meta/groups.json'));
  const pictures = await picturesIn(join(dirname(locate(resolve, PICTURES, 'package.json')), 'assets'));
  emojis.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
  for (const emoji of emojis) {
    const group = GROUPS[groups.groups[String(emoji.group)] ?? ''];
    const picture = pictures.get(codePoints(emoji.hexcode));
    if (group && picture)
      yield { line: emoji.label, row: toRow(emoji, [group, groups.subgroups[String(emoji.subgroup)] ?? ''], picture) };
  }
}

function toRow({ label, tags = [] }: Emoji, [group, subgroup]: [string, string], picture: string): ImportRow {
  const id = slug(label);
  return {
    id,
    title: capital(label),
    images: [picture],
    url: null,
    categories: [group, capital(subgroup.replaceAll('-', ' '))].filter(Boolean),
    tags: [...tags, 'invented-price'],
    ...inventedOffer(id),
    groupId: null,
    version: 0,
  };
}

/** 1.00 to 199.99, two thirds below 30; nine of ten in stock. */
function inventedOffer(id: string): Pick<ImportRow, 'price' | 'currency' | 'available'> {
  const digest = createHash('sha256').update(id).digest();
  const [share, stock] = [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
  const cents = Math.round(100 * 200 ** share);
  return { price: (Math.min(cents, 19_999) / 100).toFixed(2), currency: 'EUR', available: stock < 0.9 };
}

function locate(resolve: (file: string) => string, name: string, file: string): string {
  try {
    return resolve(`${name}/${file}`);
  } catch {
    throw new SimiliError('IMPORT_UNREADABLE', {
      source: 'the demo catalog',
      why: `install it with: npm install ${PICTURES} ${NAMES}`,
    });
  }
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

/** Files are named by code points, e.g. 1f34e.webp. */
async function picturesIn(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.webp'));
  return new Map(names.map((name) => [codePoints(name.slice(0, -'.webp'.length)), join(folder, name)]));
}

/** Without the variation selector that some sources write and others leave out. */
const codePoints = (hexcode: string): string =>
  hexcode
    .toLowerCase()
    .split('-')
    .filter((code) => code !== 'fe0f')
    .join('-');

const slug = (label: string): string =>
  label
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
