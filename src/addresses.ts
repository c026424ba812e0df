import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** Facts of an address: each request asks it of its own, and the same few clients or proxies ask again and again. */
const known = new LRUCache<string, { isLoopback: boolean; network: string }>({ max: 1000, memoMethod: readAddress });

/** Does the address, or the name localhost, stand for this machine? Anything unreadable does not. */
export const isLoopback = (address: string): boolean => known.memo(address).isLoopback;

/**
 * Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, which one customer is given
 * whole and may change within at will. An IPv4 address in IPv6 clothes is the IPv4 address.
 */
export const networkOf = (address: string): string => known.memo(address).network;

function readAddress(address: string) {
  if (!ipaddr.isValid(address)) return { isLoopback: address === 'localhost', network: address };
  const parsed = ipaddr.process(address);
  const isLoopback = parsed.range() === 'loopback';
  if (parsed.kind() === 'ipv4') return { isLoopback, network: parsed.toString() };
  const half = (parsed as ipaddr.IPv6).parts.slice(0, 4);
  return { isLoopback, network: `${half.map((part) => part.toString(16)).join(':')}::/64` };
}
