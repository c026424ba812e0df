import { readFileSync } from 'node:fs';
import pg from 'pg';
import { makeRandom, type Random } from '../learning/numbers/random.ts';
import { until } from '../test/support/until.ts';
import { exactTen, recallOfTen } from './asked-again.ts';
import { idOf, type ServingCatalog, SHARES, servingCatalog } from './serving-catalog.ts';
import { limitsOf } from './serving-limits.ts';
import { type Ask, inMemoryWay, type Opened, type Page, rawWay, similiWay, type Way } from './serving-ways.ts';
import { yardsticks } from './serving-yardsticks.ts';

/**
 * How long each way is asked before its first measurement: code that was called a few hundred times takes twice the time of code that was called some
 * thousand times, and a shop's server is up for days.
 */
const WARM_SECONDS = 20;
/** Products that `similarItems` is asked for before it is measured, each once, those first that are asked for most: as in a shop's server that is up for days. Their neighbours take 150 MB. */
const ASKED_BEFORE = 100_000;
/** The same under each filter: three in five questions are for these of a million, by the law they are drawn by. Twice, as a large category's second page makes the list that is kept. */
const ASKED_UNDER_FILTERS = 3000;
/** How much longer than a measurement it is asked before each one that is of another kind. */
const WARM_TIMES = 2;
const ROUNDS = 3;
const CLIENTS = [1, 8];
/** Pages of a measurement that are compared with the exact ones, each of which reads all vectors. */
const JUDGED = 80;
/** Products of the usual catalog: a larger one is measured beside it. */
const USUAL = 100_000;

export type Row = Record<string, string | number>;
type Load = { clients: number; page: Page; share: number | null; seconds: number };
type Options = { yardsticks: string; seconds: number };
/** A page as it was answered: ids, of which the first ten are judged. */
type Served = { anchor: string; ids: string[] };

/**
 * `similarItems` over HTTP, as it is and without lists of neighbours, beside raw pgvector and beside Apollo Server with the page in memory, in turn, in one run.
 * Beside a catalog of more than 100,000 products one of these is measured, too. Rows are told on stderr as they come.
 * @param options.keep beginning of the names of databases that stay, for a next run to measure again; '': none does
 * @param options.seconds of each measurement; there are three of each, of which the best counts
 * @param options.yardsticks a folder of scripts/yardsticks.sh: search libraries in the process that asks are in the table too; '': they are not
 */
export async function serving({
  products,
  keep,
  ...options
}: Options & { products: number; keep: string }): Promise<Row[]> {
  const admin = process.env.DATABASE_URL;
  if (!admin) throw new Error('Set DATABASE_URL: this is measured on a Postgres server with pgvector');
  const catalogs: ServingCatalog[] = [];
  try {
    for (const count of products > USUAL ? [USUAL, products] : [products]) {
      const catalog = await servingCatalog(admin, count, keep);
      catalogs.push(catalog);
      tell(indexRow(catalog));
    }
    return await besideEachOther(catalogs, options);
  } finally {
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
  }
}

/** @param catalogs all of them without a filter, the last one also by what passes filters and by recall */
async function besideEachOther(
  catalogs: readonly ServingCatalog[],
  { yardsticks: folder, seconds }: Options,
): Promise<Row[]> {
  const catalog = catalogs.at(-1)!;
  const { products } = catalog;
  const beside = folder ? await yardsticks(catalog, folder) : [];
  const rows: Row[] = [];
  const add = (more: Row[]) => {
    more.forEach(tell);
    rows.push(...more);
  };
  rows.push(...catalogs.map(indexRow));
  add(beside.map(({ way, indexSeconds }) => ({ what: `index, ${way.what}`, products, seconds: indexSeconds })));
  const [raw, own, inMemory] = [rawWay(catalog), similiWay(catalog), inMemoryWay(products)];
  const searched = similiWay(catalog, { SIMILI_NEIGHBOUR_LISTS_BYTES: '0' }, SEARCHED);
  const asked = [own, searched, ...beside.map(({ way }) => way)];
  const exact = await exactPages(catalog);
  const judge: Judge = async (way, pages, { share }) => (asked.includes(way) ? exact.recall(pages, share) : {});
  const smaller = catalogs.slice(0, -1).flatMap((one) => [rawWay(one), similiWay(one)]);
  const random = makeRandom(7);
  const twelve = { page: 'twelve', share: null, seconds } as const;
  const servers = await openAll([...smaller, raw, ...asked, inMemory]);
  try {
    const of = (...ways: Way[]) => ways.map((way) => servers.get(way)!);
    await warm(servers.values(), random);
    await askOnce(servers.get(own)!, ASKED_BEFORE);
    for (const clients of CLIENTS) add(await compared([...servers.values()], { ...twelve, clients }, random, judge));
    for (const page of ['fifty', 'nested'] as const)
      for (const clients of CLIENTS)
        add(await compared(of(raw, own, searched, inMemory), { ...twelve, page, clients }, random));
    for (const share of SHARES) {
      for (const _ of ['first', 'again']) await askOnce(servers.get(own)!, ASKED_UNDER_FILTERS, share);
      add(await compared(of(own, searched), { ...twelve, clients: 1, share }, random, judge));
    }
  } finally {
    for (const { close } of servers.values()) await close();
    await exact.close(); // nobody else is connected where statements are counted
  }
  add([await statementsOf(catalog, 'twelve', random), await statementsOf(catalog, 'nested', random)]);
  for (const { close } of beside) await close();
  for (const what of [own.what, SEARCHED])
    add(
      limitsOf(
        rows.filter((row) => row.products === products),
        what,
      ),
    );
  return rows;
}

const tell = (row: Row): void => void process.stderr.write(`${JSON.stringify(row)}\n`);
const indexRow = ({ products, index }: ServingCatalog): Row => ({ what: 'index', products, ...index });

/** The same without lists of neighbours: what a product costs that nobody asked for before. */
const SEARCHED = 'similarItems, each searched for';

/** A product by Zipf's law, as a shop's are asked for: the n-th with a chance of 1/n. Its number says nothing of its look. */
export const popular = (products: number, random: Random): string => idOf(Math.floor(products ** random.next()) - 1);

type Server = Opened & { way: Way };

/** All of them, as long as the run is: each is warm by what came before. */
export async function openAll(ways: readonly Way[]): Promise<Map<Way, Server>> {
  const servers = new Map<Way, Server>();
  for (const way of ways) servers.set(way, { way, ...(await way.open(Math.max(...CLIENTS))) });
  return servers;
}

/** Asks each of them for pages of twelve until its code has run some thousand times. */
export async function warm(servers: Iterable<Server>, random: Random): Promise<void> {
  const load = { page: 'twelve', share: null, clients: Math.max(...CLIENTS), seconds: WARM_SECONDS } as const;
  for (const { ask, way } of servers) await loop(ask, load, () => popular(way.products, random));
}

async function askOnce({ ask, way }: Server, most: number, share: number | null = null): Promise<void> {
  let next = 0;
  const client = async () => {
    while (next < Math.min(most, way.products)) await ask(idOf(next++), share, 'twelve');
  };
  await Promise.all(Array.from({ length: Math.max(...CLIENTS) }, client));
}

/** Adds to a row what there is to say of its pages. */
type Judge = (way: Way, pages: readonly Served[], load: Load) => Promise<Row>;

/** The best of some rounds for each way, the ways in turn: what else the machine does meets all of them. */
export async function compared(servers: readonly Server[], load: Load, random: Random, judge?: Judge) {
  const best = new Map<Way, { row: Row; pages: readonly Served[] }>();
  for (const { ask, way } of servers)
    await loop(ask, { ...load, seconds: WARM_TIMES * load.seconds }, () => popular(way.products, random));
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of servers) {
      const { what, products } = one.way;
      const { figures, pages } = await measured(one, load, () => popular(products, random));
      const { clients, page, share } = load;
      const row: Row = { what, products, clients, page, share: share ?? 'none', ...figures };
      const before = best.get(one.way)?.row;
      if (!before || Number(row.queriesPerSecond) > Number(before.queriesPerSecond)) best.set(one.way, { row, pages });
    }
  }
  const rows: Row[] = [];
  for (const [way, { row, pages }] of best) rows.push({ ...row, ...(await judge?.(way, pages, load)) });
  return rows;
}

async function measured({ ask, pid }: Opened, load: Load, anchor: () => string) {
  await loop(ask, { ...load, seconds: load.seconds / 4 }, anchor); // what another way has pushed out of the processor is back
  const cpuBefore = cpuSeconds(pid);
  const since = performance.now();
  const { times, pages } = await loop(ask, load, anchor);
  const took = (performance.now() - since) / 1000;
  const at = (quantile: number) => Number(times[Math.floor((times.length - 1) * quantile)]!.toFixed(2));
  const figures: Row = {
    queriesPerSecond: Math.round(times.length / took),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    cpuMsPerRequest: pid ? Number(((1000 * (cpuSeconds(pid) - cpuBefore)) / times.length).toFixed(2)) : '',
  };
  return { figures, pages };
}

/** Milliseconds of each query, in order, and what was answered. */
async function loop(ask: Ask, { clients, share, page, seconds }: Load, anchor: () => string) {
  const times: number[] = [];
  const pages: Served[] = [];
  const end = performance.now() + 1000 * seconds;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let since = performance.now(); since < end; since = performance.now()) {
        const asked = anchor();
        const ids = await ask(asked, share, page);
        times.push(performance.now() - since);
        pages.push({ anchor: asked, ids });
      }
    }),
  );
  return { times: times.sort((a, b) => a - b), pages };
}

/** Pages by which statements are counted, more in the second run: the difference is theirs alone. */
const COUNTED = [100, 400] as const;

/** Statements that the server is sent for a page: those of a longer run less those of a shorter one, each of a process of its own. */
async function statementsOf(catalog: ServingCatalog, page: Page, random: Random): Promise<Row> {
  const client = new pg.Client({ connectionString: catalog.url });
  await client.connect();
  const count = async () => {
    const { rows } = await client.query(
      `SELECT xact_commit::int AS n, (SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS others
       FROM pg_stat_database WHERE datname = current_database()`,
    );
    return rows[0] as { n: number; others: number };
  };
  const sent: number[] = [];
  try {
    for (const pages of COUNTED) {
      const before = (await count()).n;
      const { ask, close } = await similiWay(catalog, { SIMILI_AUDIT_SHARE: '0' }).open(1);
      for (let i = 0; i < pages; i++) await ask(idOf(random.int(catalog.products)), null, page);
      await close();
      await until(async () => (await count()).others === 0); // a session tells what it did when it ends
      sent.push((await count()).n - before);
    }
  } finally {
    await client.end();
  }
  const each = (sent[1]! - sent[0]!) / (COUNTED[1] - COUNTED[0]);
  return {
    what: 'statements a page, similarItems',
    products: catalog.products,
    page,
    statements: Number(each.toFixed(2)),
  };
}

/** Pages beside the exact ten nearest, by a scan of all that pass. */
async function exactPages(catalog: ServingCatalog) {
  const client = new pg.Client({ connectionString: catalog.url });
  await client.connect();
  return {
    close: () => client.end(),
    /** Share of the ten that were among the first ten of the pages: of some, drawn evenly, as they were served. */
    async recall(pages: readonly Served[], share: number | null): Promise<Row> {
      const count = Math.min(JUDGED, pages.length);
      const judged = Array.from({ length: count }, (_, i) => pages[Math.floor((i * pages.length) / count)]!);
      const exact: string[][] = [];
      for (const { anchor } of judged) exact.push(await exactTen(client, catalog, anchor, share));
      const found = judged.map(({ ids }) => ids);
      return { recall10: recallOfTen(found, exact) };
    },
  };
}

/** CPU that a process has used, user and system. 0 where /proc is missing. */
function cpuSeconds(pid: number | null): number {
  if (pid === null) return 0;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
