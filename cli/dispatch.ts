import { stripVTControlCharacters } from 'node:util';
import { type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import { SimiliError } from '../src/errors.ts';
import { loadCommand } from './load-command.ts';
import { checkOptions, refuseUsage } from './options.ts';

// biome-ignore lint/suspicious/noExplicitAny: every command has arguments of its own
export type AnyCommand = CommandDef<any>;
type Lazy = () => Promise<AnyCommand>;
/** A command within its group, and what was typed behind it. */
type Found = { command: AnyCommand; parent: AnyCommand | undefined; path: string[]; args: string[] };

const HELP = ['--help', '-h'];

/**
 * Runs the command that the arguments name. `--help` prints its usage, `--version` (alone) the version of the root.
 * @param settings what the help of the root tells of settings, to which the help of each command points
 * @throws SimiliError INVALID_ARGUMENT for a command or option that does not exist, before anything is done.
 */
export async function dispatch(
  root: AnyCommand,
  args: readonly string[],
  out: NodeJS.WriteStream,
  settings = '',
): Promise<void> {
  if (args.length === 1 && args[0] === '--version') return void out.write(`${metaOf(root).version}\n`);
  const found = await find({ command: root, parent: undefined, path: [metaOf(root).name ?? ''], args: [...args] });
  const asked = untilEnd(found.args).some((arg) => HELP.includes(arg));
  if (asked || (found.command.subCommands && found.args.length === 0)) {
    await printUsage(found, out);
    if (settings) out.write(`\n${found.command === root ? settings : `Settings: ${metaOf(root).name} --help`}\n`);
    if (!asked) process.exitCode = 1;
    return;
  }
  const name = found.path.join(' ');
  if (found.command.subCommands) throw refuseUsage(name, `has no command ${found.args[0]}`);
  checkOptions(name, found.command.args ?? {}, found.args);
  await runCommand(found.command, { rawArgs: found.args });
}

async function find(at: Found): Promise<Found> {
  const [name = '', ...args] = at.args;
  const next = at.command.subCommands && Object.entries(at.command.subCommands).find(([known]) => known === name);
  if (!next) return at;
  const path = [...at.path, name];
  const command = await loadCommand(path.join(' '), next[1] as Lazy);
  return find({ command, parent: at.command, path, args });
}

/** Colours are for terminals: a pipe or a file gets plain text. */
async function printUsage({ command, parent }: Found, out: NodeJS.WriteStream): Promise<void> {
  const usage = await renderUsage(await withWhatIsInstalled(command), parent);
  out.write(`${out.isTTY ? usage : stripVTControlCharacters(usage).replace(/ +$/gm, '')}\n`);
}

/** The command, with its subcommands loaded; one whose package is not installed says so where its description would stand. */
async function withWhatIsInstalled(command: AnyCommand): Promise<AnyCommand> {
  const found = Object.entries(command.subCommands ?? {}).map(async ([name, load]) => {
    const loaded = await loadCommand(name, load as Lazy).catch((error: unknown) => {
      if (!(error instanceof SimiliError && error.code === 'PACKAGE_MISSING')) throw error;
      return defineCommand({ meta: { name, description: `(${error.message.replace(/^\S+ /, '')})` } });
    });
    return [name, loaded] as const;
  });
  return found.length > 0 ? { ...command, subCommands: Object.fromEntries(await Promise.all(found)) } : command;
}

/** Behind `--` nothing is an option. */
const untilEnd = (args: readonly string[]): readonly string[] =>
  args.includes('--') ? args.slice(0, args.indexOf('--')) : args;

const metaOf = (command: AnyCommand) => command.meta as { name?: string; version?: string };
