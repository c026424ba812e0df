import ipaddr from 'ipaddr.js';

/** Does the address, or the name localhost, stand for this machine? Anything unreadable does not. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
