import { expect, test } from 'vitest';
import { isLoopback, networkOf } from '../../../src/addresses.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::', '2001:db8:1:3::/64'],
  ['', ''],
])('%s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('this machine is 127.0.0.0/8 and ::1, also in IPv6 clothes, and localhost; nothing else', () => {
  for (const own of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', 'localhost'])
    expect(isLoopback(own)).toBe(true);
  for (const other of ['0.0.0.0', '::', '10.0.0.1', 'shop.example', '', 'localhost.shop.example'])
    expect(isLoopback(other)).toBe(false);
});
