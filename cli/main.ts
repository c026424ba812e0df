#!/usr/bin/env node
import { configReference, useSettingsFiles } from '../src/config.ts';
import { SimiliError } from '../src/errors.ts';
import { packageFacts } from '../src/package-root.ts';
import { commands } from './commands.ts';
import { dispatch } from './dispatch.ts';
import { table } from './table.ts';

/** A problem that we know is one sentence for the person at the terminal, not a stack trace. */
function tell(error: unknown): never {
  const text =
    error instanceof SimiliError ? `${error.code}: ${error.message}` : ((error as Error)?.stack ?? String(error));
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
process.on('uncaughtException', tell);
process.on('unhandledRejection', tell);

/** Settings are no options of commands: they are listed once, below the commands. */
const settings = () =>
  [
    'SETTINGS: variables of the environment, or of simili.config.json or .env in this folder (docs/configuration.md)',
    ...table(
      ['', '', ''],
      configReference.map(({ name, meaning }) => ['', name, meaning]),
      [false, false, false],
    ).slice(1),
  ].join('\n');

const run = async () => {
  const args = process.argv.slice(2);
  if (!args.includes('--help') && !args.includes('-h')) useSettingsFiles(); // help is there for whoever has them wrong
  const { version, description: about } = packageFacts();
  await dispatch({ name: 'simili', version, about, commands }, args, process.stdout, settings);
};
await run().catch(tell);
