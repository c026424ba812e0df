import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ask } from '../running.ts';
import type { ShopPictures } from './pictures.ts';
import { type NewProduct, upsert } from './shop.ts';

const LOOK_MS = 100;
const LOOK_FOR_VECTORS_MS = 25;
/** Every so manyth of the new products is looked for, as long as the list has room for all that look the same: who looks in vain is load of his own. */
const FOLLOWED = 3;
/** Places of a list that are looked at: what looks the same is in front, and there are a few of each. */
const PLACES = 50;
/** Products of one picture that are looked for: pictures that are nearly alike share a list with all their variants. */
const VARIANTS = 8;
const GIVE_UP_MS = 60_000;

/** Ms until a product was in the list of the one that it looks like: from its upsert, and from the last moment at which it had no vector. */
export type Shown = { fromUpsert: number; fromVector: number };

/** Product that all variants of a picture look like. */
export const likeness = (picture: number): string => `look-${picture}`;

/** New products at a fixed rate, whatever becomes of those before, and when others' lists show them. */
export function startNewcomers(
  { url, database, table }: { url: string; database: string; table: string },
  pictures: ShopPictures,
  aMinute: number,
) {
  const client = new pg.Client({ connectionString: database });
  const vectors = watchVectors(client, table);
  const shown: Shown[] = [];
  let never = 0;
  let outranked = 0;
  let isOver = false;
  const follow = async ({ id, picture }: NewProduct, sent: number) => {
    const lacking = vectors.watch(id);
    while (performance.now() - sent < GIVE_UP_MS) {
      const query = `{ similarItems(id: "${likeness(picture)}", first: ${PLACES}) { nodes { id } } }`;
      const { similarItems } = await ask(`${url}/graphql`, query);
      const now = performance.now();
      if (similarItems.nodes.some((node: { id: string }) => node.id === id)) {
        shown.push({ fromUpsert: now - sent, fromVector: now - lacking() });
        return;
      }
      await sleep(LOOK_MS);
    }
    const nearer = await nearerThan(client, table, id, likeness(picture));
    if (nearer !== null && nearer >= PLACES) outranked += 1;
    else never += 1;
    const why = nearer === null ? 'it has no vector' : `${nearer} are nearer to that`;
    process.stderr.write(`${id} was never in the list of ${likeness(picture)}: ${why}\n`);
  };
  const write = async (i: number) => {
    const [picture, variant] = [i % pictures.count, 1 + Math.floor(i / pictures.count)];
    const product = { id: `new-${i}`, picture, variant };
    const sent = performance.now();
    await upsert(url, pictures, [product]);
    if (i % FOLLOWED === 0 && variant <= VARIANTS) await follow(product, sent);
  };
  const work = async () => {
    await client.connect();
    const writing: Promise<void>[] = [];
    const since = performance.now();
    for (let i = 0; !isOver; i++) {
      const written = write(i);
      written.catch(() => {}); // told at the end
      writing.push(written);
      await sleep(Math.max(0, since + ((i + 1) * 60_000) / aMinute - performance.now()));
    }
    await Promise.all(writing);
    await vectors.end();
    await client.end();
    return { upserts: writing.length, shown, never, outranked };
  };
  const working = work();
  return {
    /** Writes no more, and waits for what was written. */
    end() {
      isOver = true;
      return working;
    },
  };
}

/** How many products are nearer to an anchor than this one, by all their vectors: more than its list has places, and the list is right without it. Null: it has no vector. */
async function nearerThan(client: pg.Client, table: string, id: string, anchor: string): Promise<number | null> {
  const text = `SELECT count(*) FILTER (WHERE e.vec <-> a.vec < own.vec <-> a.vec)::int AS nearer
    FROM ${table} a JOIN ${table} own ON own.product_id = $1 JOIN ${table} e ON e.product_id <> a.product_id
    WHERE a.product_id = $2 GROUP BY own.product_id`;
  const { rows } = await client.query<{ nearer: number }>(text, [id, anchor]);
  return rows[0]?.nearer ?? null;
}

/** Which products have no vector yet, asked again and again for all that are waited for. */
function watchVectors(client: pg.Client, table: string) {
  const lacking = new Map<string, number>();
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const asked = [...lacking.keys()];
      const at = performance.now();
      if (asked.length > 0) {
        const { rows } = await client.query(`SELECT product_id AS id FROM ${table} WHERE product_id = ANY($1)`, [
          asked,
        ]);
        const known = new Set(rows.map((row) => row.id));
        for (const id of asked) if (!known.has(id)) lacking.set(id, at);
      }
      await sleep(LOOK_FOR_VECTORS_MS);
    }
  })();
  return {
    /** @returns tells when it was last seen to have none, and forgets it */
    watch(id: string): () => number {
      lacking.set(id, performance.now());
      return () => {
        const at = lacking.get(id)!;
        lacking.delete(id);
        return at;
      };
    },
    end() {
      isOver = true;
      return watching;
    },
  };
}
