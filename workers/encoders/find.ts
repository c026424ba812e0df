import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { isEncoderName } from 'simili/internal/encoder-name';
import { SimiliError } from 'simili/internal/errors';
import {
  type EncoderDescription,
  factsOf,
  type InstalledEncoder,
  parseDescription,
} from '../engines/onnx/encoder-description.ts';
import { describeHubFolder, hubModel, isHubFolder } from './hub.ts';
import { shippedEncoder, shippedEncoders } from './shipped.ts';

/** Where encoders are that do not ship: what `simili encoder pull` brought, and what whoever runs the workers put there. */
export const encodersIn = (dataDir: string): string => join(dataDir, 'encoders');

/** Names of all that are on this machine, sorted: those that ship, then the others. */
export async function encoderNames(dataDir: string): Promise<string[]> {
  const others = await readdir(encodersIn(dataDir)).catch(() => []);
  const names = [...shippedEncoders, ...others.map((entry) => basename(entry, '.onnx')).sort()];
  // Descriptions lie beside their files; what is being pulled has a dot in front.
  return [...new Set(names)].filter((name) => isEncoderName(name) && extname(name) !== '.json');
}

/**
 * Finds what SIMILI_ENCODER names: `none`, a name, a folder with an `encoder.json` or laid out as on the Hugging Face hub, or
 * an ONNX file with a description of the same name beside it (`eye.onnx`, `eye.json`). A name (`isEncoderName`) is that of a
 * folder that ships with Simili (shipped.ts), or of a folder or of such a file, without `.onnx`, in `encodersIn(dataDir)`.
 * @throws SimiliError IMPORT_UNREADABLE
 */
export async function findEncoder(choice: string, dataDir?: string): Promise<InstalledEncoder | null> {
  if (choice === 'none') return null;
  return readably(choice, async () => {
    const { path, describe } = await located(choice, dataDir);
    const description = await describe();
    return { facts: factsOf(description), description, path };
  });
}

/** The ONNX file of an encoder, before anything of it is read. @throws SimiliError IMPORT_UNREADABLE */
export const encoderFile = (choice: string, dataDir?: string): Promise<string> =>
  readably(choice, async () => (await located(choice, dataDir)).path);

async function located(
  choice: string,
  dataDir?: string,
): Promise<{ path: string; describe(): Promise<EncoderDescription> }> {
  const place = isEncoderName(choice) ? named(choice, dataDir) : resolve(choice);
  const folder = extname(place) === '.onnx' ? null : place;
  if (folder !== null && isHubFolder(folder))
    return {
      path: join(folder, hubModel(folder)),
      describe: async () => parseDescription(await describeHubFolder(folder)),
    };
  const path = folder === null ? `${place.slice(0, -'.onnx'.length)}.json` : join(folder, 'encoder.json');
  const description = parseDescription(JSON.parse(await readFile(path, 'utf8')));
  return { path: join(dirname(path), description.model), describe: async () => description };
}

/** A folder, or a file that ends with `.onnx`. What ships goes first: nobody can put another one in its place. */
function named(name: string, dataDir: string | undefined): string {
  const own = dataDir === undefined ? [] : [name, `${name}.onnx`].map((entry) => join(encodersIn(dataDir), entry));
  const found = shippedEncoder(name) ?? own.find((place) => existsSync(place));
  if (found !== undefined) return resolve(found);
  throw new Error(
    `none of that name ships, and there is none in ${encodersIn('the data directory')}; a folder elsewhere is a path, like ./${name}`,
  );
}

async function readably<Found>(choice: string, find: () => Promise<Found>): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: `the encoder ${choice}`, why: (error as Error).message });
  }
}
