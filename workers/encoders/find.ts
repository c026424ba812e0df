import { readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { SimiliError } from '../../src/errors.ts';
import type { EncoderFacts } from '../../src/learning/encoder-facts.ts';
import { packageFile } from '../../src/package-root.ts';
import { type EncoderDescription, factsOf, parseDescription } from './description.ts';

/** An encoder whose files are on this machine. */
export type InstalledEncoder = {
  readonly facts: EncoderFacts;
  readonly description: EncoderDescription;
  /** Of its ONNX file. */
  readonly path: string;
};

/**
 * Finds what SIMILI_ENCODER names: `none`, one that ships with Simili (encoders/), a folder with an `encoder.json`, or an
 * ONNX file with a description of the same name beside it (`eye.onnx`, `eye.json`).
 * @throws SimiliError IMPORT_UNREADABLE
 */
export async function findEncoder(choice: string): Promise<InstalledEncoder | null> {
  if (choice === 'none') return null;
  const path = descriptionOf(choice);
  try {
    const description = parseDescription(JSON.parse(await readFile(path, 'utf8')));
    return { facts: factsOf(description), description, path: join(dirname(path), description.model) };
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: `the encoder ${choice}`, why: (error as Error).message });
  }
}

function descriptionOf(choice: string): string {
  if (/^[a-z0-9][a-z0-9._-]*$/.test(choice) && extname(choice) !== '.onnx')
    return packageFile(join('encoders', choice, 'encoder.json'));
  const path = resolve(choice);
  return extname(path) === '.onnx' ? `${path.slice(0, -'.onnx'.length)}.json` : join(path, 'encoder.json');
}
