import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { SimiliError } from './errors.ts';

/** Settings of a folder, for commands that are started in it. */
export const SETTINGS_FILE = 'simili.config.json';

/**
 * Values of variables from `simili.config.json` of a folder and, where that says nothing, from its `.env`, which may hold
 * others of somebody else.
 * @param names of the variables that there are
 * @throws SimiliError CONFIGURATION_INVALID: what is no JSON object, a name that there is not, a value that is no text, number,
 *   truth value or list of them
 */
export function readSettingsFiles(folder: string, names: readonly string[]): Record<string, string> {
  const shared = parseEnv(textOf(join(folder, '.env')) ?? '');
  const known = Object.entries(shared).filter(
    (pair): pair is [string, string] => names.includes(pair[0]) && pair[1] !== undefined,
  );
  const path = join(folder, SETTINGS_FILE);
  const text = textOf(path);
  return { ...Object.fromEntries(known), ...(text === null ? {} : settingsOf(path, text, names)) };
}

function settingsOf(path: string, text: string, names: readonly string[]): Record<string, string> {
  const refuse = (why: string) => new SimiliError('CONFIGURATION_INVALID', { why: `${path}: ${why}` });
  const settings = Object.entries(objectOf(text) ?? {});
  if (objectOf(text) === null) throw refuse('it must be a JSON object, like { "PORT": 4100 }');
  const stranger = settings.find(([name]) => !names.includes(name));
  if (stranger) throw refuse(`there is no setting ${stranger[0]} (simili --help lists them)`);
  return Object.fromEntries(
    settings.map(([name, value]) => {
      const list = Array.isArray(value) ? value : [value];
      if (list.some((one) => !['string', 'number', 'boolean'].includes(typeof one))) {
        throw refuse(`${name} must be text, a number, true or false, or a list of them`);
      }
      return [name, list.join(',')];
    }),
  );
}

function objectOf(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, ''); // some editors of Windows begin with a byte order mark
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SimiliError('CONFIGURATION_INVALID', { why: `${path} cannot be read: ${(error as Error).message}` });
  }
}
