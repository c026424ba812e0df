import { parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { configReference } from '../src/config.ts';
import { SimiliError } from '../src/errors.ts';

/** Usage error: one sentence that ends with where to look. */
export const refuseUsage = (command: string, why: string): SimiliError =>
  new SimiliError('INVALID_ARGUMENT', { argument: command, why: `${why}; see ${command} --help` });

/**
 * Checks what was typed behind a command against the arguments that it takes. citty passes over what it does not know:
 * `import x --dry-run` would import.
 * @param command as it was typed, e.g. `simili model export`
 * @throws SimiliError INVALID_ARGUMENT: an unknown option, an option without its value, a value outside its choices, a
 *   missing argument, one too many
 */
export function checkOptions(command: string, known: ArgsDef, typed: readonly string[]): void {
  const refuse = (why: string): never => {
    throw refuseUsage(command, why);
  };
  const all = Object.entries(known);
  const options = all.filter(([, { type }]) => type !== 'positional');
  const { tokens } = parseArgs({
    args: [...typed],
    tokens: true,
    strict: false,
    allowNegative: true,
    options: Object.fromEntries(
      options.map(([name, { type }]) => [name, { type: type === 'boolean' ? 'boolean' : 'string' }] as const),
    ),
  });
  const given = new Map<string, string | undefined>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const name = token.name.replace(/^no-/, '');
    const definition = Object.hasOwn(known, token.name) ? known[token.name] : known[name];
    if (!definition || definition.type === 'positional') refuse(`has no option ${token.rawName}${hint(name, options)}`);
    else if (definition.type === 'boolean') {
      if (!['true', 'false', undefined].includes(token.value))
        refuse(`takes true or false for ${token.rawName}, not ${token.value}`);
    } else {
      if (token.value === undefined || token.value === '') refuse(`needs a value behind ${token.rawName}`);
      if (definition.type === 'enum' && !definition.options?.includes(token.value ?? '')) {
        refuse(`takes ${definition.options?.join(' or ')} for ${token.rawName}, not ${token.value}`);
      }
    }
    given.set(token.name, token.value);
  }
  for (const [name, { type, required, default: usual }] of options) {
    if (type !== 'positional' && required && usual === undefined && !given.has(name)) refuse(`needs --${name}`);
  }
  const places = all.filter(([, { type }]) => type === 'positional');
  const values = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  // A variable of a script that is not set is an empty one, which as a path would be this folder.
  const missing = places.find((_place, i) => !values[i]);
  if (missing && missing[1].required !== false && missing[1].default === undefined) {
    refuse(`needs ${missing[0].toUpperCase()}: ${missing[1].description}`);
  }
  if (values.length > places.length)
    refuse(`takes ${places.length} argument${places.length === 1 ? '' : 's'}, not ${values.length}`);
}

/** The option of commands that work on one catalog. */
export const catalogOption = {
  catalog: { type: 'string', description: 'Catalog to work on; default: SIMILI_CATALOG' },
} as const;

/** The option of commands whose answer programs read: it alone is on stdout then. */
export const jsonOption = { json: { type: 'boolean', description: 'As JSON', default: false } } as const;

/** The option --seconds: how long something may take. @throws SimiliError INVALID_ARGUMENT */
export function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: 'seconds',
    why: `must be over 0 and at most 3600, not ${text}`,
  });
}

/** Settings are no options: whoever types one as an option is told its variable. */
function hint(name: string, options: readonly [string, unknown][]): string {
  const setting = name.toUpperCase().replaceAll('-', '_');
  const variable = configReference.find((known) => known.name === setting || known.name === `SIMILI_${setting}`);
  if (variable) return `: set ${variable.name} in the environment`;
  return options.length > 0 ? ` (it has ${options.map(([option]) => `--${option}`).join(', ')})` : '';
}
