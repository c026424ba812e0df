import { readdir } from 'node:fs/promises';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { packageFile } from '../../../src/package-root.ts';
import { findEncoder, type InstalledEncoder } from '../../../workers/encoders/find.ts';
import { table } from '../model/table.ts';

export const list = defineCommand({
  meta: { name: 'list', description: 'The encoders that ship, and the one that is configured' },
  async run() {
    const { SIMILI_ENCODER: configured } = loadConfig();
    const shipped = (await readdir(packageFile('encoders'))).sort();
    const choices = [...new Set([...shipped, ...(configured === 'none' ? [] : [configured])])];
    const rows = await Promise.all(
      choices.map(async (choice) => rowOf(choice === configured, choice, (await findEncoder(choice))!)),
    );
    const head = ['', 'SIMILI_ENCODER', 'licence', 'pixels', 'vector', 'id'];
    process.stdout.write(`${table(head, rows, [false, false, false, true, true, false]).join('\n')}\n`);
    process.stdout.write(configured === 'none' ? 'None looks at pictures: SIMILI_ENCODER=none\n' : '* is configured\n');
  },
});

const rowOf = (isConfigured: boolean, choice: string, { facts, description }: InstalledEncoder): string[] => [
  ...[isConfigured ? '*' : '', choice, facts.licence],
  ...[`${description.input.side}`, `${facts.dimensions}`, facts.id],
];
