import { expect, test } from 'vitest';
import { isListedHost, isPublicAddress } from '../../../../workers/pictures/public-address.ts';

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
  [
    'the platform of a cloud, from inside it',
    '168.63.129.16',
    '::ffff:168.63.129.16',
    '161.26.0.10',
    '166.8.0.1',
    '199.36.153.8',
    '35.199.192.1',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '64:ff9b::a83f:8110',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001:470:1::5efe:a9fe:a9fe',
    '2001:470:1::200:5efe:a83f:8110',
  ],
  ['no address', '', 'localhost', '8.8.8', '8.8.8.8.8', 'x'],
])('not public: %s', (_kind, ...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test('hosts are listed by name or by what they lie below, and an empty list admits all', () => {
  expect(isListedHost('any.test', [])).toBe(true);
  const list = ['img.Shop.test', '*.cdn.test', '127.0.0.1'];
  const listed = ['img.shop.test', 'IMG.shop.test.', 'a.cdn.test', 'a.b.cdn.test', '127.0.0.1'];
  expect(listed.filter((host) => !isListedHost(host, list))).toEqual([]);
  const others = ['shop.test', 'x.img.shop.test', 'cdn.test', 'evilcdn.test', 'cdn.test.evil.test', '127.0.0.2'];
  expect(others.filter((host) => isListedHost(host, list))).toEqual([]);
});
