import type { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { ForbiddenAddress, forbidden, notPublic } from './fetch-errors.ts';
import { isListedHost } from './public-address.ts';

export type Guard = {
  /** Which addresses may be connected to. */
  isAllowed: (address: string) => boolean;
  /** See `isListedHost`. */
  hosts: readonly string[];
};

/**
 * A URL that is allowed, as far as it tells alone. Names are checked when they are resolved, literal addresses here.
 * @throws SimiliError IMAGE_FORBIDDEN
 */
export function checkedUrl(address: string, source: string, { isAllowed, hosts }: Guard, base?: URL): URL {
  const url = URL.canParse(address, base?.href) ? new URL(address, base?.href) : null;
  if (!url)
    throw forbidden(
      source,
      base ? 'it redirects to something that is no URL' : 'it is neither an absolute path nor a URL',
    );
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw forbidden(source, `${url.protocol} is not http: or https:`);
  if (url.username || url.password) throw forbidden(source, 'its URL carries a user name or a password');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) && !isAllowed(host)) throw forbidden(source, notPublic(host));
  if (!isListedHost(host, hosts)) throw forbidden(source, `${host} is not one of SIMILI_IMAGE_HOSTS`);
  return url;
}

/** A name with some allowed addresses is connected to at those only. */
export function guardedLookup(lookup: typeof systemLookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const allowed = found.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (!first) return callback(new ForbiddenAddress(found.map(({ address }) => address).join(', ')), []);
      return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
    });
}
