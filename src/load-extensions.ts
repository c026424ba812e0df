import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from './config.ts';
import { SimiliError } from './errors.ts';
import type { Log } from './log.ts';
import { checkAuthenticator } from './ports/authenticator.ts';
import { checkClock } from './ports/clock.ts';
import { checkEncoders } from './ports/encoder.ts';
import type { Extensions } from './ports/extensions.ts';
import { checkFilters } from './ports/filter-extension.ts';
import { checkReranker } from './ports/reranker.ts';
import { checkRetrainPolicy } from './ports/retrain-policy.ts';
import { checkTelemetry, noTelemetry, soundTelemetry, type Telemetry } from './ports/telemetry.ts';

const CHECKS: { readonly [Name in keyof Required<Extensions>]: (value: NonNullable<Extensions[Name]>) => void } = {
  encoders: checkEncoders,
  filters: checkFilters,
  reranker: checkReranker,
  retrainPolicy: checkRetrainPolicy,
  authenticator: checkAuthenticator,
  telemetry: checkTelemetry,
  clock: checkClock,
};

/** @returns the same. @throws SimiliError CONFIGURATION_INVALID: a seam that does not exist, or what is wrong with one. */
export function checkExtensions(extensions: Extensions): Extensions {
  for (const [name, value] of Object.entries(extensions)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof Extensions] : null;
    if (!check) throw invalid(`there is nothing called ${name} to extend: ${Object.keys(CHECKS).join(', ')}`);
    if (value !== undefined) check(value as never);
  }
  return extensions;
}

/**
 * The extensions that SIMILI_EXTENSIONS names: the default export of a module. Without it, none.
 * @throws SimiliError CONFIGURATION_INVALID
 */
export async function loadExtensions({
  SIMILI_EXTENSIONS: file,
}: Pick<Config, 'SIMILI_EXTENSIONS'>): Promise<Extensions> {
  if (file === undefined) return {};
  const module = await import(pathToFileURL(resolve(file)).href).catch((error: Error) => {
    throw invalid(`${file} cannot be loaded: ${error.message}`);
  });
  if (typeof module.default !== 'object' || module.default === null)
    throw invalid(`${file} has no default export: \`export default { encoders: […] }\``);
  return checkExtensions(module.default);
}

/** The shop's telemetry, which cannot stop what it tells of. */
export const telemetryOf = ({ telemetry = noTelemetry }: Extensions, log: Pick<Log, 'error'>): Telemetry =>
  soundTelemetry(telemetry, (error) => log.error({ err: error }, 'the telemetry failed, and is not told of again'));

const invalid = (why: string): SimiliError =>
  new SimiliError('CONFIGURATION_INVALID', { why: `SIMILI_EXTENSIONS: ${why}` });
