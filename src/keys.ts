import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { DEFAULT_CATALOG } from './catalog-id.ts';
import type { Config } from './config.ts';
import type { InstallationRepository } from './db/installation.ts';
import { SimiliError } from './errors.ts';

const SIGNING_KEY = 'signing_key';
const ADMIN_KEY_HASH = 'admin_key_sha256';

export type Keys = {
  /** Signs recommendation ids and cursors. */
  signingKey: string;
  /** The plain admin key when it was generated just now: it is stored as a hash only, so show it once. */
  newAdminKey: string | null;
  /** sha-256 of the admin key that holds now: another process may have changed it. */
  adminKeyHash(): Promise<string>;
};
type KeyConfig = Pick<Config, 'SIMILI_ADMIN_KEY' | 'SIMILI_SIGNING_KEY'>;

/** From the configuration, else generated once and shared by all processes through the database. */
export async function loadKeys(
  installation: InstallationRepository,
  config: KeyConfig,
  random = randomBytes,
): Promise<Keys> {
  const signingKey = config.SIMILI_SIGNING_KEY ?? (await loadSigningKey(installation, random));
  const given = config.SIMILI_ADMIN_KEY;
  if (given)
    return {
      signingKey,
      newAdminKey: null,
      adminKeyHash: async () => hashOfKey(given),
    };
  const fresh = newKey(random);
  const { value, created } = await installation.getOrCreate(ADMIN_KEY_HASH, hashOfKey(fresh));
  return {
    signingKey,
    newAdminKey: created ? fresh : null,
    adminKeyHash: async () => (await installation.get(ADMIN_KEY_HASH)) ?? value,
  };
}

export async function loadSigningKey(installation: InstallationRepository, random = randomBytes): Promise<string> {
  return (await installation.getOrCreate(SIGNING_KEY, random(32).toString('base64url'))).value;
}

/**
 * Signs what is handed out in a catalog: what was made in one is no token of another. Of `default` it is the key itself, so that
 * lists of before there were catalogs stay valid.
 */
export const signingKeyOf = (key: string, catalog: string): string =>
  catalog === DEFAULT_CATALOG ? key : createHmac('sha256', key).update(`simili catalog ${catalog}`).digest('base64url');

/**
 * Replaces the generated admin key; the old one ends at once, in all processes. @returns the new one.
 * @throws SimiliError CONFIGURATION_INVALID when the key is given by the configuration: no other would hold.
 */
export async function rotateAdminKey(
  installation: InstallationRepository,
  config: Partial<KeyConfig> = {},
  random = randomBytes,
): Promise<string> {
  if (config.SIMILI_ADMIN_KEY) {
    throw new SimiliError('CONFIGURATION_INVALID', {
      why: 'SIMILI_ADMIN_KEY is set, so that key holds: change it there',
    });
  }
  const fresh = newKey(random);
  await installation.set(ADMIN_KEY_HASH, hashOfKey(fresh));
  return fresh;
}

/** Takes the same time however much of the key is right: hashes are compared, both of one length. */
export const isKeyOf = (key: string, hash: string): boolean =>
  timingSafeEqual(createHash('sha256').update(hashOfKey(key)).digest(), createHash('sha256').update(hash).digest());

export const hashOfKey = (key: string): string => createHash('sha256').update(key).digest('hex');
/** Every key that we make begins so. */
export const KEY_PREFIX = 'simili_';
export const newKey = (random: typeof randomBytes): string => `${KEY_PREFIX}${random(24).toString('base64url')}`;
