import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { packageFile } from '../../../src/package-root.ts';
import { findEncoder } from '../../../workers/encoders/find.ts';
import { pulledFolder } from '../../encoder/pull.ts';
import { table } from '../model/table.ts';

export const list = defineCommand({
  meta: { name: 'list', description: 'The encoders that ship, those that were pulled, and the one that is configured' },
  async run() {
    const { SIMILI_ENCODER: configured, SIMILI_DATA_DIR: dataDir } = loadConfig();
    const shipped = await namesIn(packageFile('encoders'));
    const pulled = (await namesIn(pulledFolder(dataDir))).map((name) => join(pulledFolder(dataDir), name));
    const choices = new Set([...shipped, ...pulled, ...(configured === 'none' ? [] : [configured])]);
    const rows = await Promise.all([...choices].map((choice) => rowOf(choice === configured ? '*' : '', choice)));
    const head = ['', 'SIMILI_ENCODER', 'licence', 'pixels', 'vector', 'id'];
    process.stdout.write(`${table(head, rows, [false, false, false, true, true, false]).join('\n')}\n`);
    process.stdout.write(configured === 'none' ? 'None looks at pictures: SIMILI_ENCODER=none\n' : '* is configured\n');
  },
});

/** Begun ones have a dot in front. */
const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).sort();

async function rowOf(mark: string, choice: string): Promise<string[]> {
  try {
    const { facts, description } = (await findEncoder(choice))!;
    return [mark, choice, facts.licence, `${description.input.side}`, `${facts.dimensions}`, facts.id];
  } catch (error) {
    return [mark, choice, '', '', '', (error as Error).message];
  }
}
