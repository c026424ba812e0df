import { loadavg } from 'node:os';
import type { Found } from '../src/db/search/repository.ts';
import type { Behind } from '../src/db/search/statement.ts';
import { embeddingTable } from '../src/db/sql/embedding-table.ts';
import { pictureSpace } from '../src/ports/space.ts';
import { noTelemetry } from '../src/ports/telemetry.ts';
import { distinct } from '../src/similarity/distinct-pictures.ts';
import { searcher } from '../src/similarity/searcher.ts';
import { type FreshDatabase, freshDatabase } from '../test/support/database.ts';
import { postgresUrl } from '../test/support/services.ts';
import { percentile } from './running.ts';

type Row = Record<string, string | number>;
type Ask = (anchorId: string, behind: Behind | null) => Promise<Found>;

const SPACE = pictureSpace(336, 'halfvec');
const VERSION = { number: 1, spaces: [SPACE] };
const CLUSTER = 50;
/** Products beside the placeholders, nearer to them than others are. */
const BESIDE = 40;
const QUERIES = 30;
const LIMIT = 13;

/** Time of a page with and without `distinctPictures`, where a quarter of the catalog has one picture; one client, in turns, past HTTP. */
export async function distinctLists({ products }: { products: number }): Promise<Row[]> {
  await using database = await freshDatabase(postgresUrl());
  const same = Math.floor(products / 4);
  await fill(database, products, same);
  const view = () => ({
    nearest: searcher(database.repositories.search, noTelemetry),
    distinct: (
      { number }: { number: number },
      compared: Parameters<FreshDatabase['repositories']['embeddings']['distinct']>[1],
    ) => database.repositories.embeddings.distinct(number, compared),
  });
  const wanted = (anchorId: string, behind: Behind | null) => ({
    version: VERSION,
    anchorId,
    filter: {},
    limit: LIMIT,
    behind,
  });
  const without: Ask = (id, behind) => view().nearest(wanted(id, behind));
  const withWish: Ask = (id, behind) => distinct(view())(wanted(id, behind));
  const anchors: Record<string, (i: number) => number> = {
    'any product': (i) => products - CLUSTER * i - 10,
    'near the placeholder': (i) => same + 1 + (i % BESIDE),
    'has the placeholder': (i) => 1 + i,
  };
  const rows: Row[] = [];
  for (const [anchor, at] of Object.entries(anchors)) {
    const ids = Array.from({ length: QUERIES }, (_, i) => idOf(at(i)));
    const places = new Map<string, Behind>();
    for (const id of ids) places.set(id, (await withWish(id, null)).neighbours.at(-2)!);
    for (const page of [1, 2]) {
      const times: { without: number[]; distinct: number[] } = { without: [], distinct: [] };
      for (const id of ids) {
        const behind = page === 1 ? null : places.get(id)!;
        times.without.push(await timed(() => without(id, behind)));
        times.distinct.push(await timed(() => withWish(id, behind)));
      }
      const [before, after] = [percentile(times.without, 0.5), percentile(times.distinct, 0.5)];
      rows.push({
        products,
        same,
        anchor,
        page,
        'without, ms': before.toFixed(1),
        'distinct, ms': after.toFixed(1),
        load: loadavg()[0]!.toFixed(1),
      });
    }
  }
  return rows;
}

async function timed(ask: () => Promise<Found>): Promise<number> {
  const since = performance.now();
  await ask();
  return performance.now() - since;
}

const idOf = (i: number): string => `p${String(i).padStart(7, '0')}`;

/** Vectors in clusters of 50, and `same` of them one. */
async function fill(
  { storage: { prisma }, repositories: { embeddings } }: FreshDatabase,
  products: number,
  same: number,
) {
  const id = `'p' || lpad(i::text, 7, '0')`;
  await embeddings.createTable(1, SPACE);
  await prisma.$executeRawUnsafe(`
    INSERT INTO simili.product (catalog_id, id, title, fingerprint)
    SELECT 'default', ${id}, 'A product', 'f' FROM generate_series(1, ${products}) i`);
  await prisma.$executeRawUnsafe(`
    CREATE TABLE centre AS SELECT c, array_agg(random() - 0.5) AS v
    FROM generate_series(0, ${Math.ceil(products / CLUSTER)}) c, generate_series(1, ${SPACE.dimensions}) GROUP BY c`);
  await prisma.$executeRawUnsafe(`
    INSERT INTO ${embeddingTable('default', 1)} (product_id, content_hash, vec)
    SELECT ${id}, 'h', l2_normalize((
      SELECT array_agg(x + CASE WHEN i <= ${same} THEN 0 ELSE 0.5 * (random() - 0.5) END) FROM unnest(v) x)::vector)::halfvec
    FROM generate_series(1, ${products}) i JOIN centre ON c = CASE WHEN i <= ${same + BESIDE} THEN 0 ELSE i / ${CLUSTER} END`);
  await embeddings.createIndex(1, SPACE);
  await prisma.$executeRawUnsafe('ANALYZE');
}
