import pg from 'pg';
import { expect, test } from 'vitest';
import { usualPagesAtOnce } from '../../../../../src/db/session/pages-at-once.ts';

const hostOf = (connectionString: string): string => new pg.Client({ connectionString }).host;

test.each([
  ['postgresql://simili:secret@127.0.0.1:5432/shop'],
  ['postgresql://simili@localhost/shop'],
  ['postgres://simili@[::1]:5432/shop'],
  ['postgresql:///shop?host=/var/run/postgresql'],
  ['postgresql://simili@%2Fvar%2Frun%2Fpostgresql/shop'],
  ['/var/run/postgresql shop'],
])('of a database on this machine: %s', (url) => {
  expect([1, 2, 3, 4, 6, 7, 64].map((processors) => usualPagesAtOnce(hostOf(url), processors))).toEqual([
    2, 3, 5, 6, 9, 10, 10,
  ]);
});

test.each([
  ['postgresql://simili@db.shop.example/shop'],
  ['postgresql://simili@10.0.0.7:5432/shop'],
  ['postgresql://simili@localhost/shop?host=db.shop.example'],
])('of a database elsewhere as many as its pool has, whatever this machine is: %s', (url) => {
  expect(usualPagesAtOnce(hostOf(url), 2)).toBe(10);
});
