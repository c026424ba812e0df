import { expect, test } from 'vitest';
import { isPublicAddress } from '../../../workers/pictures/public-address.ts';

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ['this host', '0.0.0.0', '127.0.0.1', '127.255.255.254', '::', '::1'],
  ['private', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', 'fc00::1', 'fd12::1', 'fec0::1'],
  ['link-local, with the metadata service of clouds', '169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
  [
    'an IPv4 address in disguise',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  [
    'multicast, broadcast, reserved',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    'ff02::1',
    '2001:db8::1',
  ],
  ['no address', '', 'localhost', '8.8.8', '8.8.8.8.8', 'x'],
])('not public: %s', (_kind, ...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});
