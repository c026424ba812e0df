import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { CategoryNames } from '../../../../src/db/category-names.ts';
import { SearchRepository } from '../../../../src/db/search/repository.ts';
import type { Ask } from '../../../../src/db/sql/ask.ts';
import { pictureSpace } from '../../../../src/ports/space.ts';

/** As many filters of as many letters as a stranger may send: 20 MB of text. */
const FILTERS = 200;
const LETTERS = 100_000;
const MOST_KEPT_MB = 5;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function keptMB(ask: (name: string) => Promise<unknown>): Promise<number> {
  await ask(nameLike());
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < FILTERS; i++) await ask(nameLike());
  collect();
  return (process.memoryUsage().heapUsed - before) / 2 ** 20;
}

/** Parsed, as a request's are: it shares its letters with nothing. */
const nameLike = (): string => JSON.parse(JSON.stringify(randomBytes(LETTERS / 2).toString('hex')));

test('long names of categories that nobody has are not remembered', async () => {
  const names = new CategoryNames((async () => []) as unknown as Ask, 'default');
  expect(await keptMB((name) => names.spelled({ categories: [name] }))).toBeLessThan(MOST_KEPT_MB);
});

test('what is remembered of a filter, its share and that its pages come short, does not grow with its text', async () => {
  const row = { nr: 1, known: true, warm: true, l2: null, looked: 0, farthest: null, lost: false };
  const ask = async ({ text }: { text: string }) =>
    text.includes('TABLESAMPLE') ? [{ looked: 4000, passing: 4000 }] : [{ ...row, many: /passing AS/.test(text) }];
  const search = new SearchRepository(ask as unknown as Ask, 'default');
  const version = { number: 1, spaces: [pictureSpace(4)] };
  const page = (tag: string) => {
    const unwanted = { not: { column: 'tags', overlaps: [tag] } } as const;
    return search.nearestOfEach(version, ['a'], { conditions: [unwanted] }, 13);
  };
  expect(await keptMB(page)).toBeLessThan(MOST_KEPT_MB);
});
