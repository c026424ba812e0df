import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** IPv6 addresses outside this block are not routed on the internet, whatever class they are in. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');
/**
 * Addresses that look public and are answered by a cloud's own platform, to machines inside it only: Azure's WireServer
 * (keys and extensions of the machine), IBM Cloud's service network, Google's private and restricted API fronts, name
 * service and health checkers. What lies in private blocks (169.254.169.254, 100.100.100.200, fd00:ec2::254) is refused as
 * such.
 */
const PLATFORMS = [
  '168.63.129.16/32',
  '161.26.0.0/16',
  '166.8.0.0/14',
  '199.36.153.4/30',
  '199.36.153.8/30',
  '34.126.0.0/18',
  '35.199.192.0/19',
  '2600:2d00:2:1000::/56',
].map((block) => ipaddr.parseCIDR(block));
/** Groups 4 and 5 of an ISATAP address: an IPv4 address in the last 32 bits. */
const ISATAP = 0x5efe;

/**
 * Whether an IP address is on the public internet: not loopback, private, link-local, reserved, translated (NAT64, 6to4,
 * Teredo, ISATAP of one that is not public), multicast, or a cloud's own platform.
 */
export function isPublicAddress(address: string): boolean {
  if (!isIP(address)) return false;
  const parsed = ipaddr.process(address); // ::ffff:a.b.c.d counts as a.b.c.d
  if (parsed.range() !== 'unicast' || isPlatform(parsed)) return false;
  if (!(parsed instanceof ipaddr.IPv6)) return true;
  return parsed.match(GLOBAL_IPV6) && !hidesPrivate(parsed);
}

const isPlatform = (parsed: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  PLATFORMS.some(([block, bits]) => block.kind() === parsed.kind() && parsed.match(block, bits));

function hidesPrivate({ parts }: ipaddr.IPv6): boolean {
  if (parts[5] !== ISATAP || (parts[4]! & ~0x200) !== 0) return false;
  const [high, low] = [parts[6]!, parts[7]!];
  return !isPublicAddress([high >> 8, high & 255, low >> 8, low & 255].join('.'));
}

/**
 * Whether a host is one of those that pictures may come from; an empty list admits all. `*.shop.test` means every name
 * below shop.test, and not shop.test itself.
 */
export function isListedHost(host: string, list: readonly string[]): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  const matches = (entry: string) => (entry.startsWith('*.') ? name.endsWith(entry.slice(1)) : name === entry);
  return list.length === 0 || list.some((entry) => matches(entry.toLowerCase()));
}
