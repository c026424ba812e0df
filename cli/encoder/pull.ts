import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodersIn } from '@simili/worker/encoders/find';
import { HUB_CONFIGS, hubModelAmong } from '@simili/worker/encoders/hub';
import { SimiliError } from '../../src/errors.ts';
import { makePrivateFolder } from '../../src/private-files.ts';
import { download } from './download.ts';
import { askHub, type HubFile, type HubListing } from './hub-client.ts';

/** A model that can be pulled, and what of it would be. */
export type Offer = { listing: HubListing; wanted: HubFile[]; bytes: number };

/** Longest network, bytes: protocol buffers end there; and longest other file. */
const MAX_MODEL = 2 ** 31 - 1;
const MAX_OTHER = 2 ** 20;
const LICENCES = /^(README\.md|LICEN[CS]E(\.(md|txt))?|NOTICE(\.(md|txt))?)$/;

/**
 * An offer: a hub's model, and the files of it that Simili needs.
 * @throws SimiliError IMPORT_UNREADABLE: it is none that Simili can use; MODEL_TOO_COSTLY; as `askHub`.
 */
export async function offerOf(base: string, id: string, revision: string): Promise<Offer> {
  const listing = await askHub(base, id, revision);
  const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source: id, why });
  const named = new Map(listing.files.map((file) => [file.path, file]));
  const missing = HUB_CONFIGS.find((path) => !named.has(path));
  if (missing) throw refuse(`${missing} is missing`);
  const model = modelAmong(named, refuse);
  if (named.has(`${model}_data`) || named.has(`${model}.data`))
    throw refuse(`the weights of ${model} are in another file: only files with all inside are possible`);
  const others = [...named.keys()].filter((path) => HUB_CONFIGS.includes(path) || LICENCES.test(path));
  const wanted = [...others, model].map((path) => named.get(path)!);
  const large = wanted.find(({ path, size }) => size > (path === model ? MAX_MODEL : MAX_OTHER));
  if (large) throw new SimiliError('MODEL_TOO_COSTLY', { source: `${id}/${large.path}`, why: `${large.size} bytes` });
  return { listing, wanted, bytes: wanted.reduce((sum, { size }) => sum + size, 0) };
}

function modelAmong(named: ReadonlyMap<string, HubFile>, refuse: (why: string) => SimiliError): string {
  try {
    return hubModelAmong((file) => named.has(file));
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

/**
 * Brings what was offered into the data directory, as one folder of one commit. Broken off, it goes on the next time.
 * @param tell bytes that are there.
 * @returns the folder, which SIMILI_ENCODER may name.
 * @throws SimiliError as `download`.
 */
export async function pull(
  base: string,
  offer: Offer,
  dataDir: string,
  tell: (bytes: number) => void,
): Promise<string> {
  const { listing, wanted } = offer;
  const { id, revision, licence } = listing;
  const folder = join(encodersIn(dataDir), id.replace('/', '--'));
  if ((await revisionOf(folder)) === revision) return folder;
  makePrivateFolder(dataDir);
  const aside = join(encodersIn(dataDir), `.${id.replace('/', '--')}.${revision}`);
  await mkdir(aside, { recursive: true });
  let done = 0;
  for (const file of wanted) {
    await download(base, listing, file, aside, (bytes) => tell(done + bytes));
    done += file.size;
  }
  const origin = { id, revision, licence, hub: base, files: wanted };
  await writeFile(join(aside, ORIGIN), `${JSON.stringify(origin, null, 2)}\n`);
  await mkdir(dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(aside, folder);
  return folder;
}

/** Where a folder came from. */
const ORIGIN = 'origin.json';

async function revisionOf(folder: string): Promise<string | null> {
  try {
    return JSON.parse(await readFile(join(folder, ORIGIN), 'utf8')).revision;
  } catch {
    return null; // brought anew
  }
}
