import { readFile, writeFile } from 'node:fs/promises';
import { defineCommand } from 'citty';
import type { ModelRepository } from '../../../src/db/models.ts';
import { SimiliError } from '../../../src/errors.ts';
import { decodeModel } from '../../../src/learning/artefact.ts';
import { exportOnnx } from '../../../workers/engines/onnx/export/index.ts';
import { sha256 } from '../../../workers/sha256.ts';

export const exportModel = defineCommand({
  meta: {
    name: 'export',
    description: 'Write a model version as one file: ONNX for any runtime, or its own safetensors (docs/models.md)',
  },
  args: {
    format: { type: 'enum', options: ['onnx', 'safetensors'], description: 'Of the file', default: 'onnx' },
    model: { type: 'string', description: 'Id of a version in the database, or active', default: 'active' },
    file: { type: 'string', description: 'A safetensors file of an earlier export in place of the database' },
    out: { type: 'string', description: 'File to write', required: true },
  },
  async run({ args }) {
    const { artefact, name } = args.file ? await fromFile(args.file) : await fromDatabase(args.model);
    const bytes = args.format === 'onnx' ? exportOnnx(checkedModel(artefact, name)) : artefact;
    if (args.format === 'safetensors') checkedModel(artefact, name);
    await write(args.out, bytes);
    process.stdout.write(`${args.out}: ${name} as ${args.format}, ${bytes.length} bytes, sha-256 ${sha256(bytes)}\n`);
  },
});

type Source = { artefact: Uint8Array; name: string };

async function fromFile(path: string): Promise<Source> {
  try {
    return { artefact: await readFile(path), name: path };
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: path, why: (error as Error).message });
  }
}

async function fromDatabase(wanted: string): Promise<Source> {
  // A file needs no database.
  const { loadConfig } = await import('../../../src/config.ts');
  const { openStorage } = await import('../../../src/db/open-storage.ts');
  const { makeRepositories } = await import('../../../src/db/repositories.ts');
  const storage = await openStorage(loadConfig());
  try {
    return await storedArtefact(makeRepositories(storage.prisma).models, wanted);
  } finally {
    await storage.close();
  }
}

/**
 * @param wanted id of a version, or `active`.
 * @throws SimiliError NOT_FOUND, ARTEFACT_CORRUPT when its checksum does not match.
 */
export async function storedArtefact(
  models: Pick<ModelRepository, 'serving' | 'artefact'>,
  wanted: string,
): Promise<Source> {
  const id = wanted === 'active' ? (await models.serving())?.modelId : wanted;
  const stored = id === undefined ? null : await models.artefact(id);
  if (!id || !stored) throw new SimiliError('NOT_FOUND', { what: 'model version', id: wanted });
  if (sha256(stored.artefact) !== stored.checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: id, why: 'its checksum does not match' });
  }
  return { artefact: stored.artefact, name: id };
}

function checkedModel(artefact: Uint8Array, model: string) {
  try {
    return decodeModel(artefact);
  } catch (error) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model, why: (error as Error).message });
  }
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
