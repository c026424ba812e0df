import { readdirSync, readFileSync } from 'node:fs';
import { type PGlite, protocol } from '@electric-sql/pglite';
import type { Storage } from '../../src/db/session/storage.ts';
import type { Ask } from '../../src/db/sql/ask.ts';
import type { Column, Shape } from '../../src/db/sql/row.ts';
import { packageFile } from '../../src/package-root.ts';

type Client = Storage['prisma'];
type Tagged = { readonly text: string; readonly row?: Shape; readonly site?: TemplateStringsArray };
type Field = { name: string; tableID: number; columnID: number; dataTypeID: number };
type Types = ReadonlyMap<number, { name: string; labels: string[] }>;

/** A storage over PGlite whose statements are compared, as they run, with the rows that they say they give. */
export type Described = {
  storage: Storage;
  /** Statements whose rows are not as the source says. */
  problems: string[];
  /** The beginnings of the statements that ran through `rows`, as they stand in the source. */
  seen: Set<string>;
};

export async function described(storage: Storage): Promise<Described> {
  const { db } = storage.queue as unknown as { db: PGlite };
  const types = await typesOf(db);
  const nullable = await nullableColumns(db);
  const [problems, seen, known] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const tell = (text: string, problem: string) => void problems.add(`${problem} in ${text.trim().slice(0, 160)}`);

  const look = async (text: string, row: Shape): Promise<void> => {
    if (known.has(text)) return;
    known.add(text);
    const fields = await fieldsOf(db, text).catch(() => null); // it will fail by itself, too
    if (!fields) return;
    const names = fields.map(({ name }) => name).sort();
    if (names.join() !== Object.keys(row).sort().join()) tell(text, `columns ${names}, not ${Object.keys(row)}`);
    for (const field of fields) {
      const said = row[field.name];
      if (!said) continue;
      const found = types.get(field.dataTypeID);
      if (found?.name !== said.type) tell(text, `${field.name} is ${found?.name}, not ${said.type}`);
      if (said.labels && found?.labels.join() !== [...said.labels].sort().join())
        tell(text, `${field.name} is one of ${found?.labels}, not of ${said.labels}`);
      if (nullable.has(`${field.tableID}.${field.columnID}`) && !said.nullable && !said.filled)
        tell(text, `${field.name} may be null`);
    }
  };
  const compare = (text: string, row: Shape, found: readonly object[]): void => {
    for (const [name, value] of found.flatMap((one) => Object.entries(one))) {
      const said = row[name];
      if (said && !fits(said, value)) tell(text, `${name} came as ${value === null ? null : typeof value}`);
    }
  };

  const recording = (client: Client): Client =>
    new Proxy(client, {
      get(target, key) {
        const own = Reflect.get(target, key) as unknown;
        if (key === '$queryRaw')
          return async (sql: Tagged, ...values: unknown[]) => {
            const { row, site } = sql;
            if (row && site) await look(sql.text, row);
            const found = await target.$queryRaw<object[]>(sql as never, ...values);
            if (row && site) {
              seen.add(site[0] ?? '');
              compare(sql.text, row, found);
            }
            return found;
          };
        if (key === '$transaction')
          return (work: unknown, options: object) =>
            typeof work === 'function'
              ? target.$transaction((tx) => work(recording(tx as Client)), options)
              : target.$transaction(work as never);
        return typeof own === 'function' ? own.bind(target) : own;
      },
    });
  const ask: Ask = async (statement, values) => {
    await look(statement.text, statement.row);
    const found = await storage.ask(statement, values);
    compare(statement.text, statement.row, found);
    return found;
  };
  return {
    storage: { ...storage, prisma: recording(storage.prisma), ask },
    seen,
    get problems() {
      return [...problems];
    },
  };
}

/** Postgres' own description of what a statement gives, between two others, in their transaction. */
async function fieldsOf(db: PGlite, text: string): Promise<Field[]> {
  const { serialize } = protocol;
  const name = 'described';
  const asked = [
    serialize.parse({ name, text }),
    serialize.describe({ type: 'S', name }),
    serialize.close({ type: 'S', name }),
    serialize.sync(),
  ];
  const { messages } = await db.runExclusive(() => db.execProtocol(new Uint8Array(Buffer.concat(asked))));
  const description = messages.find((message) => message.name === 'rowDescription');
  return (description as { fields?: Field[] } | undefined)?.fields ?? [];
}

async function typesOf(db: PGlite): Promise<Types> {
  const { rows } = await db.query<{ oid: number; name: string; labels: string[] }>(
    `SELECT t.oid::int AS oid, format_type(t.oid, NULL) AS name,
       ARRAY(SELECT enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY enumlabel::text COLLATE "C") AS labels
     FROM pg_type t`,
  );
  return new Map(rows.map(({ oid, ...type }) => [oid, type]));
}

async function nullableColumns(db: PGlite): Promise<Set<string>> {
  const { rows } = await db.query<{ at: string }>(
    `SELECT attrelid::int || '.' || attnum AS at FROM pg_attribute
     WHERE attrelid::regclass::text LIKE 'simili.%' AND attnum > 0 AND NOT attnotnull`,
  );
  return new Set(rows.map(({ at }) => at));
}

const JS: Record<string, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  'text[]': (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  bigint: (value) => typeof value === 'bigint',
  'double precision': (value) => typeof value === 'number',
  'timestamp with time zone': (value) => value instanceof Date,
  jsonb: (value) => typeof value !== 'string',
};

const fits = ({ type, nullable, labels, within }: Column<unknown>, value: unknown): boolean => {
  if (value === null) return nullable;
  if (within) return Array.isArray(value) && value.every((row) => fitEach(Object.values(within), row));
  return labels ? labels.includes(String(value)) : (JS[type]?.(value) ?? false);
};

/** Values by their place, as the rows within a value have them. */
const fitEach = (columns: readonly Column<unknown>[], values: unknown): boolean =>
  Array.isArray(values) && values.length === columns.length && columns.every((one, i) => fits(one, values[i]));

const FOLDER = packageFile('src/db');
const sources = () =>
  readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'sql/row.ts')
    .map((file) => ({ file, code: readFileSync(`${FOLDER}/${file}`, 'utf8') }));

/** Files that ask Prisma for rows and say nothing of them. */
export const untyped = (): string[] => sources().flatMap(({ file, code }) => (/\$queryRaw/.test(code) ? [file] : []));

/** Where `rows` is called in src/db: the file, and the beginning of the statement. */
export const sitesInSource = (): { file: string; start: string }[] =>
  sources().flatMap(({ file, code }) =>
    [...code.matchAll(/\brows\([^`]*?\)`((?:(?!\$\{)[^`])*)/g)].map(([, start]) => ({ file, start: start ?? '' })),
  );
