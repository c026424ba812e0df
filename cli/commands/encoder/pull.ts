import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findEncoder } from '@simili/worker/encoders/find';
import { defineCommand } from 'citty';
import { loadConfig } from '../../../src/config.ts';
import { SimiliError } from '../../../src/errors.ts';
import { type Offer, offerOf, pull as pullOffer } from '../../encoder/pull.ts';
import { showProgress } from '../../progress.ts';
import { short } from '../../table.ts';

export const pull = defineCommand({
  args: {
    id: { type: 'positional', description: 'owner/name', required: true },
    revision: { type: 'string', description: 'Branch, tag or commit', default: 'main' },
    yes: { type: 'boolean', description: 'Do not ask', default: false },
    hub: { type: 'string', description: 'Address of the hub', default: 'https://huggingface.co' },
  },
  async run({ args }) {
    const { SIMILI_DATA_DIR: dataDir } = loadConfig();
    const offer = await offerOf(args.hub, args.id, args.revision);
    process.stdout.write(`${told(offer).join('\n')}\n`);
    if (!args.yes && !(await agreed())) return;
    const progress = showProgress('bytes', offer.bytes);
    const folder = await pullOffer(args.hub, offer, dataDir, progress.update).finally(progress.stop);
    const found = await findEncoder(folder);
    process.stdout.write(`${found?.facts.id} is in ${folder}\nTo try it: simili encoder check ${basename(folder)}\n`);
  },
});

const told = ({ listing, wanted, bytes }: Offer): string[] => [
  `model     ${listing.id}, commit ${listing.revision}`,
  `licence   ${listing.licence ?? 'unknown: its card names none, ask who made it before a shop uses it'}`,
  ...wanted.map(({ path, size }, i) => `${i === 0 ? 'files' : '     '}     ${path}, ${short(size)}B`),
  `together  ${short(bytes)}B`,
];

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new SimiliError('INVALID_ARGUMENT', { argument: '--yes', why: 'is needed where nobody can be asked' });
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test(
      (await terminal.question('Does this licence allow what you do, and shall it be downloaded? [y/N] ')).trim(),
    );
  } finally {
    terminal.close();
  }
}
