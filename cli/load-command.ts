import { createRequire } from 'node:module';
import { SimiliError } from '../src/errors.ts';
import { packageFacts } from '../src/package-root.ts';

/**
 * The module of a command, with the packages that it imports. Workers and lab are packages of their own,
 * which an API server does without.
 * @param command as it was typed, for the error
 * @throws SimiliError PACKAGE_MISSING, with the line that installs the package.
 */
export async function loadCommand<Module>(command: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const name = missingPackage(error);
    if (name === null) throw error;
    throw missing(command, name);
  }
}

/** Why a command cannot run without a package of ours, and what installs it; null: it is installed. Nothing is loaded. */
export function sayMissing(command: string, name: string): string | null {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return null;
  } catch {
    return missing(command, name).message.slice(command.length + 1);
  }
}

const missing = (command: string, name: string): SimiliError =>
  new SimiliError('PACKAGE_MISSING', { command, name, version: packageFacts().version });

/** The package of ours that Node.js did not find; null for any other error. */
function missingPackage(error: unknown): string | null {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' ? (/'(@simili\/[a-z0-9-]+)/.exec(message)?.[1] ?? null) : null;
}
