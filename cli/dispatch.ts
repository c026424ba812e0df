import { stripVTControlCharacters } from 'node:util';
import { type CommandDef, renderUsage, runCommand } from 'citty';
import { loadCommand, sayMissing } from './load-command.ts';
import { checkOptions, refuseUsage } from './options.ts';

// biome-ignore lint/suspicious/noExplicitAny: every command has arguments of its own
export type AnyCommand = CommandDef<any>;
/** A command and what help says of it, for which it is not loaded. `needs`: a package of ours that may not be installed. */
export type Lazy = { about: string; needs?: string; load(): Promise<AnyCommand> };
/** Commands by name, and below them those of groups. */
export type Entries = { readonly [name: string]: Lazy | Group };
export type Group = { about: string; commands: Entries };
export type Root = Group & { name: string; version: string };
/** A command or group, the words that lead to it, and what was typed behind them. */
type Found = { at: Lazy | Group; path: string[]; args: string[] };

const HELP = ['--help', '-h'];

/**
 * Runs the command that the arguments name. `--help` prints its usage, `--version` (alone) the version of the root.
 * @param settings what the help of the root tells of settings, to which the help of each command points
 * @throws SimiliError INVALID_ARGUMENT for a command or option that does not exist, before anything is done; PACKAGE_MISSING.
 */
export async function dispatch(
  root: Root,
  args: readonly string[],
  out: NodeJS.WriteStream,
  settings?: () => string,
): Promise<void> {
  if (args.length === 1 && args[0] === '--version') return void out.write(`${root.version}\n`);
  const found = find({ at: root, path: [root.name], args: [...args] });
  const { at, path } = found;
  const isAsked = untilEnd(found.args).some((arg) => HELP.includes(arg));
  if (isAsked || ('commands' in at && found.args.length === 0)) {
    await printUsage(found, root.version, out);
    if (settings) out.write(`\n${at === root ? settings() : `Settings: ${root.name} --help`}\n`);
    if (!isAsked) process.exitCode = 1;
    return;
  }
  const name = path.join(' ');
  if ('commands' in at) throw refuseUsage(name, `has no command ${found.args[0]}`);
  const command = await loadCommand(name, at.load);
  checkOptions(name, command.args ?? {}, found.args);
  await runCommand(command, { rawArgs: found.args });
}

function find(found: Found): Found {
  const [name = '', ...args] = found.args;
  const known = 'commands' in found.at ? found.at.commands : {};
  const at = Object.hasOwn(known, name) ? known[name] : undefined;
  return at ? find({ at, path: [...found.path, name], args }) : found;
}

/** Colours are for terminals: a pipe or a file gets plain text. */
async function printUsage({ at, path }: Found, version: string, out: NodeJS.WriteStream): Promise<void> {
  const command = 'commands' in at ? { subCommands: listed(at.commands) } : await loadCommand(path.join(' '), at.load);
  const meta = { name: path.at(-1) ?? '', description: at.about, version };
  const parent = path.length > 1 ? { meta: { name: path.slice(0, -1).join(' ') } } : undefined;
  const usage = await renderUsage({ ...command, meta }, parent);
  out.write(`${out.isTTY ? usage : stripVTControlCharacters(usage).replace(/ +$/gm, '')}\n`);
}

/** Commands as citty lists them; one whose package is not installed says so where its description would stand. */
const listed = (commands: Entries): Record<string, AnyCommand> =>
  Object.fromEntries(
    Object.entries(commands).map(([name, entry]) => {
      const missing = 'needs' in entry && entry.needs ? sayMissing(name, entry.needs) : null;
      return [name, { meta: { description: missing === null ? entry.about : `(${missing})` } }];
    }),
  );

/** Behind `--` nothing is an option. */
const untilEnd = (args: readonly string[]): readonly string[] =>
  args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
