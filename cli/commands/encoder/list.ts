import { encoderNames, findEncoder } from '@simili/worker/encoders/find';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  async run() {
    const { SIMILI_ENCODER: configured, SIMILI_DATA_DIR: dataDir } = loadConfig();
    const names = await encoderNames(dataDir);
    const choices = new Set([...names, ...(configured === 'none' ? [] : [configured])]);
    const rows = await Promise.all(
      [...choices].map((choice) => rowOf(choice === configured ? '*' : '', choice, dataDir)),
    );
    const head = ['', 'SIMILI_ENCODER', 'licence', 'pixels', 'vector', 'id'];
    process.stdout.write(`${table(head, rows, [false, false, false, true, true, false]).join('\n')}\n`);
    process.stdout.write(configured === 'none' ? 'None looks at pictures: SIMILI_ENCODER=none\n' : '* is configured\n');
  },
});

async function rowOf(mark: string, choice: string, dataDir: string): Promise<string[]> {
  try {
    const { facts, description } = (await findEncoder(choice, dataDir))!;
    return [mark, choice, facts.licence, `${description.input.side}`, `${facts.dimensions}`, facts.id];
  } catch (error) {
    return [mark, choice, '', '', '', (error as Error).message];
  }
}
