import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EncoderDescription } from '../engines/onnx/encoder-description.ts';
import { portText } from '../engines/onnx/encoder-ports.ts';
import { readModel } from '../engines/onnx/import-model.ts';
import { outputOf } from './hub-output.ts';
import { isObject, type Json, preprocessing } from './hub-preprocessing.ts';

/** Name of a licence that nobody named. */
export const UNKNOWN_LICENCE = 'unknown';

const INPUT = 'pixel_values';
/** Where a network may be, the first choice first: a model with a tower for texts too has one for pictures by itself. */
export const HUB_MODELS = ['onnx/vision_model.onnx', 'vision_model.onnx', 'onnx/model.onnx', 'model.onnx'];
/** Files of a folder that are read besides; README.md for the licence. */
export const HUB_CONFIGS = ['config.json', 'preprocessor_config.json'];
const README = 'README.md';

/** Whether a folder is laid out like a model of the Hugging Face hub. An encoder.json in it comes first. */
export const isHubFolder = (folder: string): boolean =>
  !existsSync(join(folder, 'encoder.json')) && existsSync(join(folder, 'config.json'));

/** The network of a folder of the hub. @throws Error naming the files that would do. */
export const hubModel = (folder: string): string => hubModelAmong((file) => existsSync(join(folder, file)));

/** The same by a listing. */
export function hubModelAmong(has: (file: string) => boolean): string {
  const found = HUB_MODELS.find(has);
  if (found) return found;
  throw new Error(`it has none of ${HUB_MODELS.join(', ')}: export it to ONNX`);
}

/**
 * The `encoder.json` of a folder of the Hugging Face hub, from its config.json, preprocessor_config.json, ONNX file, and
 * the licence that the front matter of its README.md names. docs/encoders.md lists what is understood.
 * @throws Error with a sentence that names file and field.
 */
export async function describeHubFolder(folder: string): Promise<EncoderDescription> {
  const state = await stateOf(folder);
  const before = described.get(folder);
  if (before?.state === state) return before.description;
  const description = describe(folder);
  described.set(folder, { state, description });
  description.catch(() => described.delete(folder)); // it may have been a file that could not be opened for once
  return description;
}

/**
 * Descriptions by their folders, as long as no file of them is another one: whoever embeds a product, or a shopper's picture, looks for
 * the encoder of its version, and a network of hundreds of megabytes was read and hashed each time.
 */
const described = new Map<string, { readonly state: string; readonly description: Promise<EncoderDescription> }>();

/** Tells the files that a description is made of from others of the same names. */
async function stateOf(folder: string): Promise<string> {
  const files = [...HUB_CONFIGS, ...HUB_MODELS, README].map(async (file) => {
    const found = await stat(join(folder, file)).catch(() => null);
    return found && `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
  });
  return (await Promise.all(files)).join('\n');
}

async function describe(folder: string): Promise<EncoderDescription> {
  const config = await readJson(folder, 'config.json');
  const processor = await readJson(folder, 'preprocessor_config.json');
  const model = hubModel(folder);
  const path = join(folder, model);
  const file = readModel(await readFile(path));
  const port = file.inputs.find(({ name }) => name === INPUT);
  if (!port)
    throw new Error(
      `${model}: it reads ${file.inputs.map(portText).join(', ')}, and models of the hub read ${INPUT}: write an encoder.json`,
    );
  const title = basename(folder);
  return {
    name: slug(title),
    title,
    licence: await licenceOf(folder),
    model,
    sha256: await sha256OfFile(path),
    input: { name: INPUT, layout: 'NCHW', ...preprocessing(processor) },
    output: outputOf(config, file.outputs, model),
  };
}

/** Letters, digits, dots and dashes, as `name` in encoder.json. */
function slug(title: string): string {
  const small = title.toLowerCase().replace(/[^a-z0-9._-]+/g, '-');
  return small.replace(/^[^a-z0-9]+/, '').slice(0, 64) || 'encoder';
}

async function readJson(folder: string, name: string): Promise<Json> {
  const text = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `${name} is missing` : `${name}: ${error.message}`);
  });
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  throw new Error(`${name} is no object`);
}

/** As the README writes it: one word, or the first of a list. */
async function licenceOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, README), 'utf8').catch(() => '');
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  const licence = entryOf(front, 'license');
  return (licence === 'other' ? (entryOf(front, 'license_name') ?? licence) : licence) ?? UNKNOWN_LICENCE;
}

const entryOf = (front: string, key: string): string | undefined =>
  new RegExp(`^${key}:[ \\t]*(?:\\r?\\n[ \\t]*-[ \\t]*)?["']?([\\w.+-][\\w.+ -]{0,98})`, 'm').exec(front)?.[1]?.trim();

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
