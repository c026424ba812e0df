#!/usr/bin/env node
import { defineCommand } from 'citty';
import { configReference, useSettingsFiles } from '../src/config.ts';
import { SimiliError } from '../src/errors.ts';
import { packageFacts } from '../src/package-root.ts';
import { type AnyCommand, dispatch } from './dispatch.ts';
import { table } from './table.ts';

/** Loaded when asked for: `simili --help` opens no database, `simili serve` loads no worker. */
const load: Record<string, () => Promise<AnyCommand>> = {
  start: async () => (await import('./commands/start.ts')).start,
  serve: async () => (await import('./commands/serve.ts')).serve,
  worker: async () => (await import('./commands/worker.ts')).worker,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  catalog: async () => (await import('./commands/catalog.ts')).catalog,
  import: async () => (await import('./commands/import.ts')).importCatalog,
  model: async () => (await import('./commands/model/index.ts')).model,
  encoder: async () => (await import('./commands/encoder/index.ts')).encoder,
  distil: async () => (await import('./commands/distil.ts')).distil,
  evaluate: async () => (await import('./commands/evaluate.ts')).evaluate,
  label: async () => (await import('./commands/label.ts')).label,
  ratings: async () => (await import('./commands/ratings.ts')).ratings,
  simulate: async () => (await import('./commands/simulate.ts')).simulate,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  key: async () => (await import('./commands/key/index.ts')).key,
  'admin-key': async () => (await import('./commands/admin-key.ts')).adminKey,
  completion: async () => (await import('./commands/completion.ts')).completionFor(() => root),
};

/** A problem that we know is one sentence for the person at the terminal, not a stack trace. */
function tell(error: unknown): never {
  const text =
    error instanceof SimiliError ? `${error.code}: ${error.message}` : ((error as Error)?.stack ?? String(error));
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
process.on('uncaughtException', tell);
process.on('unhandledRejection', tell);

const { version, description } = packageFacts();
const root: AnyCommand = defineCommand({ meta: { name: 'simili', version, description }, subCommands: load });
/** Settings are no options of commands: they are listed once, below the commands. */
const settings = [
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
  await dispatch(root, args, process.stdout, settings);
};
await run().catch(tell);
