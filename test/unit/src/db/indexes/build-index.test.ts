import { expect, test } from 'vitest';
import { indexBuilder } from '../../../../../src/db/indexes/build-index.ts';

const INDEX = {
  table: '"simili".embedding_1',
  name: '"simili".embedding_1_vec_idx',
  on: 'USING hnsw (vec vector_l2_ops)',
};
const MB = 2 ** 20;

/** A server of a million products on which building answers with these errors, one after the other, and then succeeds; nobody else is at work on it. */
function server(errors: object[], isLeftToUs = false) {
  const done: string[] = [];
  const looks: string[] = [];
  let [isValid, isAside] = [null as boolean | null, false];
  const own = {
    async exec(sql: string) {
      if (/maintenance/.test(sql)) done.push(sql);
      if (sql.startsWith('DROP')) isAside = false;
      if (!sql.startsWith('CREATE')) return;
      const error = errors.shift();
      isValid = !error;
      if (error) throw Object.assign(new Error('refused'), error);
    },
    async query(text: string) {
      if (text.includes('pg_stat_database')) looks.push(text);
      return [{ own: 64 * MB, sharedBuffers: 1024 * MB, rows: 1e6, bytes: 1e9, isLeftToUs, ms: 0 }];
    },
  };
  const ask = async ({ text }: { text: string }) => {
    if (text.startsWith('DO')) [isValid, isAside] = [null, true];
    return [{ isValid, isAside, share: null }];
  };
  const build = indexBuilder(ask as never, ((work: (one: typeof own) => unknown) => work(own)) as never, 1);
  const drop = () => {
    isValid = null;
  };
  return { done, looks, drop, build: () => build(INDEX) };
}
const memory = (megabytes: number) => `SET maintenance_work_mem = '${megabytes * 1024}kB'`;
const ALONE = 'SET max_parallel_maintenance_workers = 0';
const SHARED = { code: '53100', file: 'dsm_impl.c' };

test('without shared memory for several processes an index is built by one, and without memory for that with what the server gives by itself', async () => {
  const { done, build } = server([SHARED, { code: '53200' }]);
  await build();
  expect(done).toEqual([memory(256), memory(256), ALONE, memory(64), ALONE]);
});

test('where another one began in the same moment, it is looked at again what became of it', async () => {
  const { done, build } = server([{ code: '40P01' }]);
  await build();
  expect(done).toEqual([memory(256), memory(256)]);
});

test('what else goes wrong is told: a disk that is full, memory that is never enough', async () => {
  await expect(server([{ code: '53100', file: 'md.c' }]).build()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  await expect(server([SHARED, SHARED, { code: '53200' }]).build()).rejects.toMatchObject({ code: '53200' });
});

test('indexes that are built one after the other look once whether others are at work', async () => {
  const { done, looks, drop, build } = server([], true);
  await build();
  drop();
  await build();
  expect(done).toEqual([memory(256), memory(256)]);
  expect(looks).toHaveLength(2); // before and behind some seconds
});
