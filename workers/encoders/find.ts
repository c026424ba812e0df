import { readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { SimiliError } from '../../src/errors.ts';
import type { EncoderFacts } from '../../src/learning/encoder-facts.ts';
import { packageFile } from '../../src/package-root.ts';
import { type EncoderDescription, factsOf, parseDescription } from './description.ts';
import { describeHubFolder, hubModel, isHubFolder } from './hub.ts';

/** An encoder whose files are on this machine. */
export type InstalledEncoder = {
  readonly facts: EncoderFacts;
  readonly description: EncoderDescription;
  /** Of its ONNX file. */
  readonly path: string;
};

/**
 * Finds what SIMILI_ENCODER names: `none`, one that ships with Simili (encoders/), a folder with an `encoder.json` or laid out
 * as on the Hugging Face hub, or an ONNX file with a description of the same name beside it (`eye.onnx`, `eye.json`).
 * @throws SimiliError IMPORT_UNREADABLE
 */
export async function findEncoder(choice: string): Promise<InstalledEncoder | null> {
  if (choice === 'none') return null;
  return readably(choice, async () => {
    const { path, describe } = await located(choice);
    const description = await describe();
    return { facts: factsOf(description), description, path };
  });
}

/** The ONNX file of an encoder, before anything of it is read. @throws SimiliError IMPORT_UNREADABLE */
export const encoderFile = (choice: string): Promise<string> =>
  readably(choice, async () => (await located(choice)).path);

async function located(choice: string): Promise<{ path: string; describe(): Promise<EncoderDescription> }> {
  const folder = folderOf(choice);
  if (folder !== null && isHubFolder(folder))
    return {
      path: join(folder, hubModel(folder)),
      describe: async () => parseDescription(await describeHubFolder(folder)),
    };
  const path = folder === null ? `${resolve(choice).slice(0, -'.onnx'.length)}.json` : join(folder, 'encoder.json');
  const description = parseDescription(JSON.parse(await readFile(path, 'utf8')));
  return { path: join(dirname(path), description.model), describe: async () => description };
}

/** Null: it names a file. A name has no slash: a folder of this place begins with `./`. */
function folderOf(choice: string): string | null {
  if (extname(choice) === '.onnx') return null;
  return /^[a-z0-9][a-z0-9._-]*$/.test(choice) ? packageFile(join('encoders', choice)) : resolve(choice);
}

async function readably<Found>(choice: string, find: () => Promise<Found>): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: `the encoder ${choice}`, why: (error as Error).message });
  }
}
