import { makeRandom } from '../learning/numbers/random.ts';
import type { FilterInput } from '../src/similarity/filter.ts';
import { freshPostgresDatabase } from '../test/support/services.ts';
import { DIMENSIONS, type FilteredCatalog, filteredCatalog, idOf, indexOf, write } from './filtered-catalog.ts';
import { randomFilters } from './random-filter.ts';
import { percentile, startCommand, temporaryDir } from './running.ts';

const PAGES = [12, 12, 12, 50];
const JUDGED = 10;
/** Distances that differ by less are the same: the database adds them up in 32 bits. */
const SAME = 1e-5;
const BANDS: readonly [share: number, name: string][] = [
  [0, 'nothing'],
  [0.0001, 'up to 0.01 %'],
  [0.001, 'up to 0.1 %'],
  [0.01, 'up to 1 %'],
  [0.1, 'up to 10 %'],
  [0.5, 'up to 50 %'],
  [0.999, 'up to 99.9 %'],
  [1, 'all'],
];
const QUERY = `query ($id: ID!, $first: Int!, $filter: ProductFilter) {
  similarItems(id: $id, first: $first, filter: $filter) { status nodes { id } } }`;

type Row = Record<string, string | number>;
type Page = { ids: string[]; status: string; ms: number };
/** `short`: a product that passes lacks. `mistold`: the status does not say whether the page is full. `wrong`: one stands there that does not pass. `unordered`: a nearer one stands behind a farther one. */
type Verdict = { short: boolean; mistold: boolean; wrong: boolean; unordered: boolean; right: number; wanted: number };

/**
 * Pages of `similarItems` over HTTP under random filters, each beside the exact one, which is told from the catalog in memory. A row a band of
 * selectivity.
 */
export async function filters(options: { products: number; filters: number; seed: number }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is tried on a Postgres server with pgvector');
  await using database = await freshPostgresDatabase(admin);
  const catalog = filteredCatalog(options.products, options.seed);
  const indexSeconds = await write(catalog, database.url);
  process.stderr.write(`${options.products} products are written, the indexes took ${indexSeconds.toFixed()} s\n`);
  const dir = await temporaryDir();
  const simili = await startCommand(['serve'], /Listening on (\S+)/, {
    DATABASE_URL: database.url,
    SIMILI_DATA_DIR: dir.path,
    NODE_ENV: 'production',
    SIMILI_QUERY_RATE: '0',
    SIMILI_EXPLORE_SHARE: '0',
    SIMILI_AUDIT_SHARE: '0',
  });
  try {
    return await judged(catalog, simili.url, options);
  } finally {
    await simili.kill();
    await dir.remove();
  }
}

async function judged(
  catalog: FilteredCatalog,
  url: string,
  options: { filters: number; seed: number },
): Promise<Row[]> {
  const random = makeRandom(options.seed + 1);
  const { draw, passing } = randomFilters(catalog, random);
  const bands = BANDS.map(([, name]) => ({ name, verdicts: [] as Verdict[], pages: [] as Page[] }));
  for (let i = 0; i < options.filters; i++) {
    const anchor = random.int(catalog.products);
    const filter = draw(anchor);
    const first = PAGES[random.int(PAGES.length)]!;
    const mask = passing(filter);
    const share = mask.reduce((sum, passes) => sum + passes, 0) / catalog.products;
    mask[anchor] = 0;
    const page = await ask(url, anchor, first, filter);
    const verdict = judge(catalog, anchor, mask, first, page);
    const band = bands[BANDS.findIndex(([most]) => share <= most)]!;
    band.pages.push(page);
    if (isAnswer(page)) band.verdicts.push(verdict);
    if (!isAnswer(page) || !isRight(verdict)) {
      const told = { anchor, first, share, filter, found: page.ids.length, status: page.status, verdict };
      process.stderr.write(`${JSON.stringify(told)}\n`);
    }
    if (i % 1000 === 999) process.stderr.write(`${i + 1} filters are tried\n`);
  }
  return bands.filter(({ pages }) => pages.length > 0).map(rowOf);
}

const isAnswer = ({ status }: Page): boolean => status === 'OK' || status === 'PARTIAL';
const isRight = ({ short, mistold, wrong, unordered, right, wanted }: Verdict): boolean =>
  !short && !mistold && !wrong && !unordered && right >= wanted / 2;

function rowOf({ name, verdicts, pages }: { name: string; verdicts: readonly Verdict[]; pages: readonly Page[] }): Row {
  const count = (of: (verdict: Verdict) => boolean) => verdicts.filter(of).length;
  const sum = (of: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + of(verdict), 0);
  const wanted = sum((verdict) => verdict.wanted);
  const times = pages.map(({ ms }) => ms);
  return {
    passes: name,
    filters: pages.length,
    short: count(({ short }) => short),
    mistold: count(({ mistold }) => mistold),
    wrong: count(({ wrong }) => wrong),
    unordered: count(({ unordered }) => unordered),
    refused: pages.filter((page) => !isAnswer(page)).length,
    recall10: wanted === 0 ? 1 : Number((sum(({ right }) => right) / wanted).toFixed(4)),
    leastRecall10: Math.min(1, ...verdicts.filter((one) => one.wanted > 0).map((one) => one.right / one.wanted)),
    p50ms: Math.round(percentile(times, 0.5)),
    p95ms: Math.round(percentile(times, 0.95)),
    longestMs: Math.round(percentile(times, 1)),
  };
}

async function ask(url: string, anchor: number, first: number, filter: FilterInput): Promise<Page> {
  const since = performance.now();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY, variables: { id: idOf(anchor), first, filter } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { similarItems: { status: string; nodes: { id: string }[] } | null };
    errors?: { message: string }[];
  };
  const list = data?.similarItems;
  return {
    ids: (list?.nodes ?? []).map(({ id }) => id),
    status: errors?.[0]?.message ?? list?.status ?? 'no list',
    ms: performance.now() - since,
  };
}

/** @param mask 1 for each product that may stand there, the anchor not among them */
function judge(
  catalog: FilteredCatalog,
  anchor: number,
  mask: Uint8Array,
  first: number,
  { ids, status }: Page,
): Verdict {
  const squared = distancesFrom(catalog, anchor);
  const nearest = lowest(mask, squared, first);
  const found = ids.map(indexOf);
  const wanted = Math.min(JUDGED, nearest.length);
  const farthest = wanted > 0 ? nearest[wanted - 1]! + SAME : -1;
  const distances = found.map(squared);
  return {
    short: found.length < nearest.length,
    mistold: status !== (nearest.length < first ? 'PARTIAL' : 'OK'),
    wrong: found.length > nearest.length || new Set(found).size < found.length || found.some((i) => mask[i] !== 1),
    unordered: distances.some((distance, k) => k > 0 && distance < distances[k - 1]! - SAME),
    right: distances.slice(0, JUDGED).filter((distance) => distance <= farthest).length,
    wanted,
  };
}

const distancesFrom =
  ({ vectors }: FilteredCatalog, anchor: number) =>
  (i: number): number => {
    let sum = 0;
    for (let k = 0; k < DIMENSIONS; k++) sum += (vectors[i * DIMENSIONS + k]! - vectors[anchor * DIMENSIONS + k]!) ** 2;
    return sum;
  };

/** Distances of the nearest, ascending. */
function lowest(mask: Uint8Array, squared: (i: number) => number, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 1) continue;
    const distance = squared(i);
    if (best.length === count && distance >= best[count - 1]!) continue;
    let at = best.length;
    while (at > 0 && best[at - 1]! > distance) at -= 1;
    best.splice(at, 0, distance);
    if (best.length > count) best.pop();
  }
  return best;
}
