import { randomBytes } from 'node:crypto';
import type { InstallationRepository } from '../db/installation.ts';

/**
 * Prefix of an installation's keys in Redis, from an id that is kept in its database: all processes of one installation
 * have the same, two installations on one Redis never. A copy of a database is the same installation.
 */
export async function queuePrefix(installation: Pick<InstallationRepository, 'getOrCreate'>): Promise<string> {
  const { value } = await installation.getOrCreate('installation-id', randomBytes(6).toString('hex'));
  return `simili-${value}`;
}
