import { encoderNames, findEncoder } from '@simili/worker/encoders/find';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { jsonOption } from '../../options.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  args: jsonOption,
  async run({ args }) {
    const { SIMILI_ENCODER: configured, SIMILI_DATA_DIR: dataDir } = loadConfig();
    const names = await encoderNames(dataDir);
    const choices = new Set([...names, ...(configured === 'none' ? [] : [configured])]);
    const encoders = await Promise.all([...choices].map((choice) => encoderOf(choice, choice === configured, dataDir)));
    const head = ['', 'SIMILI_ENCODER', 'licence', 'pixels', 'vector', 'id'];
    const lines = [
      ...table(head, encoders.map(cellsOf), [false, false, false, true, true, false]),
      configured === 'none' ? 'None looks at pictures: SIMILI_ENCODER=none' : '* is configured',
    ];
    process.stdout.write(`${args.json ? JSON.stringify(encoders) : lines.join('\n')}\n`);
  },
});

type Listed = { encoder: string; configured: boolean } & (
  | { licence: string; pixels: number; vector: number; id: string }
  | { problem: string }
);

async function encoderOf(encoder: string, configured: boolean, dataDir: string): Promise<Listed> {
  try {
    const { facts, description } = (await findEncoder(encoder, dataDir))!;
    const { licence, dimensions, id } = facts;
    return { encoder, configured, licence, pixels: description.input.side, vector: dimensions, id };
  } catch (error) {
    return { encoder, configured, problem: (error as Error).message };
  }
}

function cellsOf({ encoder, configured, ...found }: Listed): string[] {
  const mark = configured ? '*' : '';
  if ('problem' in found) return [mark, encoder, '', '', '', found.problem];
  return [mark, encoder, found.licence, `${found.pixels}`, `${found.vector}`, found.id];
}
