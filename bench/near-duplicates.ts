import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { fromSql } from 'pgvector';
import { squaredDistance } from '../learning/numbers/distance.ts';
import { freshPostgresDatabase, postgresUrl } from '../test/support/services.ts';
import { until } from '../test/support/until.ts';
import { VARIANTS } from './near-duplicates/variants.ts';
import { ask, KEY, runCommand, startCommand, temporaryDir } from './running.ts';

type Row = Record<string, string | number>;
type Product = { id: string; image: string };
/** Distances (Euclidean, 0 to 2) of one version and half of the pictures. */
type Distances = { byVariant: Map<string, number[]>; nearest: number[] };

/** One picture in so many is made near-duplicates of. */
const EVERY = 4;
const SECONDS = 60;
/** Bounds that are tried. */
const BOUNDS = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7];
const HALVES = ['chosen on', 'checked on'] as const;
/** Versions one after the other, and the recipe by which each is trained. */
const VERSIONS = { first: null, head: 'head', network: 'catalog' } as const;

/**
 * How far near-duplicates of a picture are from it, and how far other pictures are: the demo catalog on Postgres, its pictures re-encoded, scaled,
 * cropped, padded and lit otherwise as further products, by the first version, a head and a network, none of which has seen them before. Each bound has the share of near-duplicates that are
 * nearer than it, and of distinct products that have another one so near; one half of the pictures is to choose by, the other to check.
 */
export async function nearDuplicates(): Promise<Row[]> {
  const dir = await temporaryDir();
  await using database = await freshPostgresDatabase(postgresUrl());
  const env = { DATABASE_URL: database.url, SIMILI_DATA_DIR: dir.path, SIMILI_RETRAIN_PAUSE_MINUTES: '0' };
  await runCommand(['migrate'], env);
  await runCommand(['import', 'demo/catalog.jsonl'], env);
  const lines = (await readFile('demo/catalog.jsonl', 'utf8')).trim().split('\n');
  const products = lines.map((line) => JSON.parse(line) as Product);
  const variants = await writeVariants(dir.path, products);
  const all = products.length + taught(products).length * Object.keys(VARIANTS).length;
  const api = await startCommand(['serve'], /Listening on (\S+)/, env);
  const worker = await startCommand(['worker'], /Working on/, env);
  const db = new pg.Client({ connectionString: database.url });
  await db.connect();
  try {
    const rows = [];
    let version: string | null = null;
    for (const [name, recipe] of Object.entries(VERSIONS)) {
      await db.query("DELETE FROM simili.product WHERE id LIKE '%--%'");
      version = recipe ? await trained(api.url, recipe, version) : await serving(api.url, null);
      await runCommand(['import', variants], env);
      const vectors = await vectorsOf(db, version, all);
      for (const [half, of] of HALVES.entries())
        rows.push(...rowsOf(distances(products, vectors, half)).map((row) => ({ version: name, half: of, ...row })));
    }
    return rows;
  } finally {
    await db.end();
    await worker.stop();
    await api.stop();
    await dir.remove();
  }
}

/** @returns the id of the version that serves, once one does that is not `before` */
const serving = (url: string, before: string | null): Promise<string> =>
  until(async () => {
    const { activeModel } = await ask(`${url}/admin/graphql`, '{ activeModel { id } }', KEY);
    return activeModel && activeModel.id !== before && activeModel.id;
  }, 600);

async function trained(url: string, recipe: string, before: string | null): Promise<string> {
  const asked = `mutation { retrain(input: { recipe: "${recipe}", seconds: ${SECONDS} }) { job { id } userErrors { code message } } }`;
  const { retrain } = await ask(`${url}/admin/graphql`, asked, KEY);
  if (!retrain.job) throw new Error(`no training of ${recipe}: ${JSON.stringify(retrain.userErrors)}`);
  return serving(url, before);
}

/** Copies of every fourth picture, as a catalog. @returns its path */
async function writeVariants(dir: string, products: readonly Product[]): Promise<string> {
  const folder = join(dir, 'variants');
  await mkdir(folder);
  const lines: string[] = [];
  for (const { id, image } of taught(products)) {
    const picture = await readFile(join('demo', image));
    for (const [i, make] of Object.values(VARIANTS).entries()) {
      const name = `${id}--${i}`;
      await writeFile(join(folder, `${name}.img`), await make(picture));
      lines.push(JSON.stringify({ id: name, title: name, image: `${name}.img` }));
    }
  }
  const path = join(folder, 'catalog.jsonl');
  await writeFile(path, lines.join('\n'));
  return path;
}

const taught = (products: readonly Product[]): Product[] => products.filter((_, i) => i % EVERY === 0);

/** Vectors by product, once there are as many. */
async function vectorsOf(db: pg.Client, version: string, wanted: number): Promise<Map<string, Float32Array>> {
  const { rows } = await db.query('SELECT number FROM simili.model_version WHERE id = $1', [version]);
  const { rows: tables } = await db.query(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE tablename = $1`,
    [`embedding_${rows[0].number}`],
  );
  const table = tables[0].name;
  await until(async () => Number((await db.query(`SELECT count(*) AS n FROM ${table}`)).rows[0].n) >= wanted, 900);
  const found = await db.query(`SELECT product_id, vec::text AS vec FROM ${table}`);
  return new Map(found.rows.map(({ product_id, vec }) => [product_id, Float32Array.from(fromSql(vec) as number[])]));
}

function distances(products: readonly Product[], vectors: Map<string, Float32Array>, half: number): Distances {
  const between = (a: string, b: string) => Math.sqrt(squaredDistance(vectors.get(a)!, vectors.get(b)!));
  const byVariant = new Map(
    Object.keys(VARIANTS).map((name, v) => [
      name,
      taught(products).flatMap(({ id }, i) => (i % 2 === half ? [between(id, `${id}--${v}`)] : [])),
    ]),
  );
  const nearest = products.flatMap(({ id }, i) =>
    i % 2 === half ? [Math.min(...products.flatMap((other) => (other.id === id ? [] : [between(id, other.id)])))] : [],
  );
  return { byVariant, nearest };
}

function rowsOf({ byVariant, nearest }: Distances): Row[] {
  const row = (what: string, all: readonly number[]): Row => ({
    what,
    ...Object.fromEntries([0, 0.5, 0.95, 1].map((share) => [`p${100 * share}`, quantile(all, share).toFixed(3)])),
    ...Object.fromEntries(
      BOUNDS.map((bound) => [`under ${bound}`, (all.filter((d) => d < bound).length / all.length).toFixed(3)]),
    ),
  });
  return [
    ...[...byVariant].map(([name, all]) => row(name, all)),
    row('all near-duplicates', [...byVariant.values()].flat()),
    row('nearest other product', nearest),
  ];
}

const quantile = (all: readonly number[], share: number): number =>
  [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))]!;
