import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DecodedRow, orderRows } from '../../../../lab/evaluate/labelled-set.ts';
import { makeSplits } from '../../../../lab/evaluate/make-splits.ts';
import { divideRated } from '../../../../lab/evaluate/rated.ts';
import { readLabels } from '../../../../lab/evaluate/read-labels.ts';
import { readTriplets } from '../../../../lab/evaluate/read-triplets.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-labels-'));
  await mkdir(join(dir, 'a'));
  for (const name of ['a/1.png', 'a/2.png', '3.png', 'with, comma.png']) await writeFile(join(dir, name), name);
});
afterAll(() => rm(dir, { recursive: true, force: true }));
const file = async (text: string): Promise<string> => {
  const path = join(dir, 'file.csv');
  await writeFile(path, text);
  return path;
};

describe('labels.csv', () => {
  test('gives every row with what it says', async () => {
    const path = await file('path,identity,subgroup,category,split\na/1.png,x,s,c,test\n"with, comma.png",,,,\n');
    const { rows, problems } = await readLabels(dir, path);
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      {
        path: 'a/1.png',
        file: join(dir, 'a/1.png'),
        line: 2,
        identity: 'x',
        subgroup: 's',
        category: 'c',
        split: 'test',
      },
      {
        path: 'with, comma.png',
        file: join(dir, 'with, comma.png'),
        line: 3,
        identity: null,
        subgroup: null,
        category: null,
        split: null,
      },
    ]);
  });

  test('tells line and reason of what it leaves out, and goes on', async () => {
    const lines = [
      'path;split;price',
      'a/1.png;val;3',
      'gone.png;;',
      'a/1.png;;',
      '../out.png;;',
      ';;1',
      '3.png;later;',
      'a/2.png;;1',
    ];
    const { rows, problems } = await readLabels(dir, await file(lines.join('\n')));
    expect(rows.map(({ path }) => path)).toEqual(['a/1.png', 'a/2.png']);
    expect(problems.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '1: "price" is not read; known are path, identity, subgroup, category, split',
      `3: there is no file gone.png in ${dir}`,
      '4: a/1.png was on line 2 before',
      `5: ../out.png is not inside ${dir}`,
      '6: it has no path',
      '7: split is later, and may be train, val, test or nothing',
    ]);
  });

  test('without a column path, or without a file, is an error that says so', async () => {
    await expect(readLabels(dir, await file('image,category\n'))).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: /must name the column path \(and may name identity, subgroup/,
    });
    await expect(readLabels(dir, join(dir, 'absent.csv'))).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: /there is no such file/,
    });
  });
});

test('triplets.csv: known pictures, three different ones, each triplet once', async () => {
  const indexOf = new Map(['a', 'b', 'c'].map((name, i) => [name, i]));
  const path = await file('query,positive,negative\na,b,c\na,b,c\na,a,c\na,b,d\nb,c,a\n');
  const { triplets, problems } = await readTriplets(path, indexOf);
  expect(triplets).toEqual([
    { q: 0, p: 1, n: 2 },
    { q: 1, p: 2, n: 0 },
  ]);
  expect(problems.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
    '3: the same triplet was on line 2 before',
    '4: its three pictures are not three',
    '5: d is not one of the labelled pictures',
  ]);
});

const row = (i: number, changes: Partial<DecodedRow> = {}): DecodedRow => ({
  path: `${i}.png`,
  file: `/${i}.png`,
  line: i + 2,
  split: null,
  identity: `id${i >> 1}`,
  subgroup: `sub${i >> 4}`,
  category: 'c',
  contentHash: `bytes of ${i}`,
  ...changes,
});
const manyRows = Array.from({ length: 400 }, (_, i) => row(i));

describe('splits', () => {
  test('hold out whole subgroups and whole identities, the same for the same seed whatever the order', () => {
    const decided = makeSplits(manyRows, 1);
    const share = (split: string): number => decided.filter((own) => own === split).length / decided.length;
    expect(share('test')).toBeGreaterThan(0.3);
    expect(share('test')).toBeLessThan(0.5);
    expect(share('val')).toBeGreaterThan(0.1);
    const byIdentity = new Map<string, Set<string>>();
    manyRows.forEach(({ identity }, i) => {
      byIdentity.set(identity!, (byIdentity.get(identity!) ?? new Set()).add(decided[i]!));
    });
    expect([...byIdentity.values()].every(({ size }) => size === 1)).toBe(true);
    const reversed = makeSplits([...manyRows].reverse(), 1);
    expect(reversed.reverse()).toEqual(decided);
    expect(makeSplits(manyRows, 2)).not.toEqual(decided);
  });

  test('of the file hold where it names any', () => {
    const rows = [row(0, { split: 'test' }), row(1, { split: 'val' }), row(2)];
    expect(makeSplits(rows, 1)).toEqual(['test', 'val', 'train']);
  });

  test('hold out what people were asked about, with its identities', () => {
    const decided = makeSplits(manyRows, 1, new Set(['0.png', '10.png']));
    expect([0, 1, 10, 11].map((i) => decided[i])).toEqual(['test', 'test', 'test', 'test']);
  });
});

describe('pictures of the same bytes without an identity', () => {
  /** Every picture is there under two paths, far from each other in the file. */
  const twice = Array.from({ length: 400 }, (_, i) =>
    row(i, { identity: null, subgroup: null, contentHash: `bytes of ${i % 200}` }),
  );

  test('are on one side of a split that is made, whatever the order; what people were asked about, too', () => {
    const decided = makeSplits(twice, 1);
    expect(decided.slice(200)).toEqual(decided.slice(0, 200));
    expect(decided.filter((own) => own === 'test').length / 2).toBe(200 * 0.2);
    expect(makeSplits([...twice].reverse(), 1).reverse()).toEqual(decided);
    const asked = twice.findIndex((_row, i) => decided[i] === 'train');
    const rated = makeSplits(twice, 1, new Set([`${asked}.png`]));
    expect([rated[asked], rated[asked + 200]]).toEqual(['test', 'test']);
    expect(orderRows(twice, decided, 'labels.csv').problems).toEqual([]);
  });

  test('are on the side of the first one where the file says otherwise, or of the identity that has the picture, which is told', () => {
    const rows = [
      row(0, { identity: null, contentHash: 'x' }),
      row(1, { identity: null, contentHash: 'y' }),
      row(2, { identity: null, contentHash: 'x' }),
      row(3, { identity: 'shoe', contentHash: 'y' }),
      row(4, { identity: 'shoe' }),
    ];
    const ordered = orderRows(rows, ['test', 'train', 'train', 'val', 'val'], 'labels.csv');
    expect(ordered.rows.map(({ path, decided }) => `${path} ${decided}`)).toEqual([
      ...['0.png test', '1.png val', '2.png test', '3.png val', '4.png val'],
    ]);
    expect(ordered.problems.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '3: 1.png counts as val, like 3.png, with which it shares its picture',
      '4: 2.png counts as test, like 0.png, with which it shares its picture',
    ]);
    const made = Array.from({ length: 20 }, (_, seed) => makeSplits(rows, seed));
    for (const own of made) expect([own[2], own[3]]).toEqual([own[0], own[4]]);
  });
});

test('the pictures of an identity stand together and are in one split, which is told where the file says otherwise', () => {
  const rows = [
    row(0, { identity: 'x' }),
    row(1, { identity: 'y' }),
    row(2, { identity: 'x' }),
    row(3, { identity: null }),
  ];
  const ordered = orderRows(rows, ['test', 'train', 'train', 'val'], 'labels.csv');
  expect(ordered.rows.map(({ path, decided }) => `${path} ${decided}`)).toEqual([
    ...['0.png test', '2.png test', '1.png train', '3.png val'],
  ]);
  expect(ordered.problems).toEqual([
    { file: 'labels.csv', line: 4, reason: '2.png counts as test, like the rest of x' },
  ]);
  const rated = divideRated(
    [
      { q: 0, p: 1, n: 0 },
      { q: 2, p: 3, n: 2 },
      { q: 0, p: 2, n: 3 },
    ],
    ordered.rows,
  );
  expect(rated).toEqual({ measure: [{ q: 0, p: 1, n: 0 }], learn: [{ q: 2, p: 3, n: 2 }], mixed: 1 });
});
