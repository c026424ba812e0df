#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { type CommandDef, defineCommand, runMain } from 'citty';
import { SimiliError } from '../src/errors.ts';
import { packageFile } from '../src/package-root.ts';

// biome-ignore lint/suspicious/noExplicitAny: every command has arguments of its own
type AnyCommand = CommandDef<any>;

/** Loaded when asked for: `simili --help` opens no database, `simili serve` loads no worker. */
const load: Record<string, () => Promise<AnyCommand>> = {
  start: async () => (await import('./commands/start.ts')).start,
  serve: async () => (await import('./commands/serve.ts')).serve,
  worker: async () => (await import('./commands/worker.ts')).worker,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  import: async () => (await import('./commands/import.ts')).importCatalog,
  simulate: async () => (await import('./commands/simulate.ts')).simulate,
  'admin-key': async () => (await import('./commands/admin-key.ts')).adminKey,
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

const told = (command: AnyCommand): AnyCommand => ({
  ...command,
  run: async (context) => {
    try {
      await command.run?.(context);
    } catch (error) {
      tell(error);
    }
  },
});

const { version = '', description = '' } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as Record<
  string,
  string
>;
await runMain(
  defineCommand({
    meta: { name: 'simili', version, description },
    subCommands: Object.fromEntries(
      Object.entries(load).map(([name, command]) => [name, async () => told(await command())]),
    ),
  }),
);
