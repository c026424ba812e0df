import { readFile, writeFile } from 'node:fs/promises';
import { decodeModel } from '@simili/learning/models/artefact';
import type { ServedModel } from '@simili/learning/models/served-model';
import { encoderNames, findEncoder } from '@simili/worker/encoders/find';
import type { InstalledEncoder } from '@simili/worker/engines/onnx/encoder-description';
import type { EncoderFile } from '@simili/worker/engines/onnx/export/encoder';
import { exportOnnx } from '@simili/worker/engines/onnx/export/index';
import { sha256 } from '@simili/worker/tools/sha256';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { SimiliError } from '../../../src/errors.ts';
import { catalogOption } from '../../options.ts';
import type { Source } from '../../shop/stored-artefact.ts';

export const exportModel = defineCommand({
  args: {
    ...catalogOption,
    format: { type: 'enum', options: ['onnx', 'safetensors'], description: 'Of the file', default: 'onnx' },
    model: { type: 'string', description: 'Id of a version in the database, or active', default: 'active' },
    file: { type: 'string', description: 'A safetensors file of an earlier export in place of the database' },
    out: { type: 'string', description: 'File to write', required: true },
  },
  async run({ args }) {
    const { artefact, name } = args.file ? await fromFile(args.file) : await fromDatabase(args.model, args.catalog);
    const model = checkedModel(artefact, name);
    const bytes = args.format === 'onnx' ? exportOnnx(model, await encoderOf(model)) : artefact;
    await write(args.out, bytes);
    process.stdout.write(`${args.out}: ${name} as ${args.format}, ${bytes.length} bytes, sha-256 ${sha256(bytes)}\n`);
  },
});

async function fromFile(path: string): Promise<Source> {
  try {
    return { artefact: await readFile(path), name: path };
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: path, why: (error as Error).message });
  }
}

async function fromDatabase(wanted: string, catalog: string | undefined): Promise<Source> {
  // A file needs no database.
  const { openShop } = await import('../../shop/open-shop.ts');
  const shop = await openShop(catalog);
  try {
    const { name, base64 } = await shop.run('artefact', { wanted });
    return { name, artefact: Buffer.from(base64, 'base64') };
  } finally {
    await shop.close();
  }
}

function checkedModel(artefact: Uint8Array, model: string) {
  try {
    return decodeModel(artefact);
  } catch (error) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model, why: (error as Error).message });
  }
}

/** The encoder of a version: the configured one, or another one of this machine. @throws SimiliError IMPORT_UNREADABLE */
async function encoderOf({ blocks }: ServedModel): Promise<EncoderFile | null> {
  const wanted = blocks.find(({ encoder }) => encoder)?.encoder?.id;
  if (wanted === undefined) return null;
  const { SIMILI_ENCODER: configured, SIMILI_DATA_DIR: dataDir } = loadConfig();
  const found = await findEncoder(configured, dataDir);
  const own = found?.facts.id === wanted ? found : ((await withId(wanted, dataDir)) ?? found);
  return own && { ...own, bytes: await readFile(own.path) };
}

async function withId(id: string, dataDir: string): Promise<InstalledEncoder | null> {
  for (const name of await encoderNames(dataDir)) {
    const found = await findEncoder(name, dataDir).catch(() => null);
    if (found?.facts.id === id) return found;
  }
  return null;
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--out',
      why: `cannot be written: ${(error as Error).message}`,
    });
  }
}
