import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PreparedQuery } from '../../src/db/session/prepared-postgres.ts';
import { postgresUrl } from '../support/services.ts';

/** A value of each kind of column that statements of ours give, and null of each. */
const KINDS = `SELECT 'é"\\'::text AS text, ARRAY['a', NULL, 'b,"c"'] AS texts, true AS bool, -3::int AS int, 9007199254740993::bigint AS big,
    .1::float8 AS float, 'Infinity'::float8 AS far, 12.50::numeric AS exact, '{"a":[1,null]}'::jsonb AS json, '\\x00ff'::bytea AS bytes,
    '2026-01-02 03:04:05.678+00'::timestamptz AS at, ''::text AS empty, $1::text AS given, $2::int[] AS numbers, $3::bytea AS sent
  UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`;

describe('a prepared query', { tags: ['postgres'] }, () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client({ connectionString: postgresUrl() });
    await client.connect();
  });
  afterAll(() => client.end());

  const asked = (name: string, text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> =>
    new Promise((resolve, reject) => {
      const query = client.query as unknown as (query: PreparedQuery, answer: PreparedQuery['callback']) => void;
      query.call(client, new PreparedQuery({ name, text, values }), (error, result) =>
        error ? reject(error) : resolve(result!),
      );
    });
  /** Messages of the server while `work` is done, by their names. */
  const messages = async (work: () => Promise<unknown>): Promise<string[]> => {
    const names: string[] = [];
    const { connection } = client as unknown as { connection: pg.Connection };
    const seen = ({ name }: { name: string }) => void names.push(name);
    const kinds = ['parseComplete', 'rowDescription', 'dataRow'];
    for (const kind of kinds) connection.on(kind, seen);
    await work();
    for (const kind of kinds) connection.off(kind, seen);
    return names;
  };

  test('rows are those of the driver’s own query, whatever their columns', async () => {
    const values = ['ß', [1, null], Uint8Array.of(0, 255)];
    const { rows } = await client.query({ name: 'driver', text: KINDS, values });
    expect(rows[0]).toMatchObject({
      texts: ['a', null, 'b,"c"'],
      big: '9007199254740993',
      far: Number.POSITIVE_INFINITY,
    });
    for (let i = 0; i < 2; i++) expect((await asked('kinds', KINDS, values)).rows).toStrictEqual(rows);
  });

  test('a session parses and describes a statement once, and rows are their own', async () => {
    const text = 'SELECT n FROM generate_series(1, $1::int) AS n';
    expect(await messages(() => asked('once', text, [1]))).toEqual(['parseComplete', 'rowDescription', 'dataRow']);
    expect(await messages(() => asked('once', text, [2]))).toEqual(['dataRow', 'dataRow']);
    const [first, second] = await Promise.all([asked('once', text, [2]), asked('once', text, [1])]);
    expect([first.rows, second.rows]).toEqual([[{ n: 1 }, { n: 2 }], [{ n: 1 }]]);
    expect((await asked('once', text, [0])).rows).toEqual([]);
  });

  test('a session keeps a hundred, those that were asked for last', async () => {
    const names = async () => {
      const { rows } = await client.query<{ name: string }>('SELECT name FROM pg_prepared_statements');
      return new Set(rows.map(({ name }) => name));
    };
    await asked('often', 'SELECT 0 AS n');
    for (let i = 0; i < 150; i++) {
      expect((await asked(`shape ${i}`, `SELECT ${i} AS n`)).rows).toEqual([{ n: i }]);
      await asked('often', 'SELECT 0 AS n');
    }
    const kept = await names();
    const ours = [...kept].filter((name) => name === 'often' || name.startsWith('shape'));
    expect(ours.length).toBeLessThanOrEqual(100);
    expect(ours).toContain('often');
    expect(ours).toContain('shape 149');
    expect(ours).not.toContain('shape 0');
    expect(await messages(() => asked('shape 0', 'SELECT 0 AS n'))).toContain('parseComplete'); // as if it were new
    expect((await asked('shape 0', 'SELECT 0 AS n')).rows).toEqual([{ n: 0 }]);
  });

  test('a statement may have no columns', async () => {
    await client.query('CREATE TEMPORARY TABLE counted (n int)');
    for (let n = 0; n < 2; n++)
      expect((await asked('insert', 'INSERT INTO counted VALUES ($1)', [n])).rows).toEqual([]);
    expect((await client.query('SELECT n FROM counted ORDER BY n')).rows).toEqual([{ n: 0 }, { n: 1 }]);
  });

  test('an error is told, whenever it comes, and the session goes on', async () => {
    await expect(asked('syntax', 'SELEC 1')).rejects.toMatchObject({ code: '42601' });
    await expect(asked('divide', 'SELECT 6 / $1::int AS n', [0])).rejects.toMatchObject({ code: '22012' });
    for (const [by, n] of [[3, 2], [2, 3]]) expect((await asked('divide', 'SELECT 6 / $1::int AS n', [by])).rows).toEqual([{ n }]); // biome-ignore format: short
    await expect(asked('divide', 'SELECT 6 / $1::int AS n', [0])).rejects.toMatchObject({ code: '22012' });
    await client.query('DEALLOCATE divide');
    await expect(asked('divide', 'SELECT 6 / $1::int AS n', [1])).rejects.toMatchObject({ code: '26000' });
    expect((await asked('after', 'SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('a value that cannot be read is an error of its query, not of the process', async () => {
    const LSN = 3220; // pg_lsn, which no statement of ours gives
    const parser = pg.types.getTypeParser(LSN, 'text');
    pg.types.setTypeParser(LSN, () => {
      throw new RangeError('unreadable');
    });
    try {
      await expect(asked('lsn', `SELECT '0/1'::pg_lsn AS lsn`)).rejects.toThrow('unreadable');
    } finally {
      pg.types.setTypeParser(LSN, parser);
    }
    expect((await asked('after', 'SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });
});
