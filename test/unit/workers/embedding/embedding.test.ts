import { expect, test } from 'vitest';
import type { Vector } from '../../../../src/db/embeddings.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { embedMissing, sidesOf } from '../../../../workers/embedding/embedding.ts';
import { encodePictures } from '../../../../workers/embedding/encoding.ts';
import { goldenEye } from '../../../../workers/encoders/eyes.ts';

/** As the worker has it. */
const BATCH = 64;

const MODEL = { id: 'mdl', number: 1, metrics: { training: { sides: [64, 96] } } };
const hashOf = (i: number): string => String(i).padStart(64, '0');
const idOf = (i: number): string => `p${String(i).padStart(5, '0')}`;
const later = () => new Promise((resolve) => setTimeout(resolve, 2));

/** A catalog of `count` products, its table of vectors, and a log of what happened. `unreadable`: by product number. */
function shop(count: number, unreadable: readonly number[] = []) {
  const table = new Map<string, { contentHash: string; vector: number[] }>();
  const pending = new Set<string>();
  const log: string[] = [];
  const products = Array.from({ length: count }, (_, i) => ({
    productId: idOf(i),
    source: `/${i}`,
    contentHash: hashOf(i),
  }));
  const hooks = { onEmbed: async (_batch: number) => {}, onUpsert: async (_batch: number) => {} };
  const batches = { embed: 0, upsert: 0 };
  const context = {
    repositories: {
      embeddings: {
        missing: async (_model: number, limit: number, after: string | null) =>
          products
            .filter(({ productId, source }) => productId > (after ?? '') && !pending.has(source))
            .filter(({ productId, contentHash }) => table.get(productId)?.contentHash !== contentHash)
            .slice(0, limit)
            .map(({ productId, contentHash, source }) => ({
              productId,
              contentHash,
              pictures: [{ source, contentHash }],
            })),
        upsert: async (_model: number, rows: readonly Vector[]) => {
          const batch = batches.upsert++;
          log.push(`write ${batch}`);
          await later();
          await hooks.onUpsert(batch);
          for (const { productId, contentHash, vector } of rows)
            table.set(productId, { contentHash, vector: [...vector!] });
          log.push(`written ${batch}`);
        },
      },
      images: { reopen: async (source: string) => void pending.add(source) },
    },
    pictures: {
      folders: (sides: readonly number[]) => Object.fromEntries(sides.map((side) => [side, `pixels/${side}`])),
      ensure: async (_hash: string, source: string, signal: AbortSignal, sides: readonly number[]) => {
        expect(sides).toEqual([64, 96]);
        signal.throwIfAborted();
        if (Number(source.slice(1)) % BATCH === 0) log.push(`decode ${source}`);
        if (unreadable.includes(Number(source.slice(1))))
          throw new SimiliError('IMAGE_UNREADABLE', { source, why: 'test' });
      },
    },
    embedder: {
      embed: async ({ pictures, pixels }: { pictures: string[]; pixels: object }) => {
        expect(pixels).toEqual({ 64: 'pixels/64', 96: 'pixels/96' });
        const batch = batches.embed++;
        log.push(`embed ${batch}`);
        await later();
        await hooks.onEmbed(batch);
        return { dimensions: 2, vectors: Float32Array.from(pictures.flatMap((hash) => [Number(hash), 1])) };
      },
    },
    artefacts: { pathOf: async () => ({ path: '/artefact', checksum: 'c' }) },
  };
  return { context: context as unknown as Parameters<typeof embedMissing>[0], table, pending, products, log, hooks };
}
const never = new AbortController().signal;

test('every product gets the vector of its own picture, in order of progress, and once only', async () => {
  const { context, table, log } = shop(300);
  const progress: number[] = [];
  expect(await embedMissing(context, MODEL, never, (written) => progress.push(written))).toBe(300);
  expect(progress).toEqual([64, 128, 192, 256, 300]);
  expect([...table.entries()]).toEqual(
    Array.from({ length: 300 }, (_, i) => [idOf(i), { contentHash: hashOf(i), vector: [i, 1] }]),
  );
  expect(log.filter((line) => line.startsWith('embed'))).toHaveLength(5);
  expect(await embedMissing(context, MODEL, never)).toBe(0);
});

test('while a batch is embedded the next one is decoded and the one before is written', async () => {
  const { context, log } = shop(3 * BATCH);
  await embedMissing(context, MODEL, never);
  const at = (line: string) => log.indexOf(line);
  expect(at(`decode /${BATCH}`)).toBeLessThan(at('write 0'));
  expect(at('embed 1')).toBeLessThan(at('written 0'));
  expect(at(`decode /${2 * BATCH}`)).toBeLessThan(at('written 0'));
});

test('an unreadable picture is left out and fetched anew, the others of its batch are not lost', async () => {
  const { context, table, pending } = shop(200, [3, 130]);
  expect(await embedMissing(context, MODEL, never)).toBe(198);
  expect([...pending]).toEqual(['/3', '/130']);
  expect(table.has(idOf(3))).toBe(false);
  expect(table.get(idOf(4))?.vector).toEqual([4, 1]);
});

test('a batch of nothing but unreadable pictures does not end it', async () => {
  const { context, table } = shop(
    150,
    Array.from({ length: 128 }, (_, i) => i),
  );
  expect(await embedMissing(context, MODEL, never)).toBe(22);
  expect([...table.keys()]).toEqual(Array.from({ length: 22 }, (_, i) => idOf(128 + i)));
});

test('what arrives while it runs is embedded too', async () => {
  const { context, table, products, hooks } = shop(130);
  hooks.onEmbed = async (batch) => {
    if (batch === 1) products.unshift({ productId: 'a', source: '/7', contentHash: hashOf(7) });
  };
  expect(await embedMissing(context, MODEL, never)).toBe(131);
  expect(table.get('a')?.vector).toEqual([7, 1]);
});

test('aborted in the middle it waits for what it is writing, loses no finished batch, and goes on from there', async () => {
  const { context, table, log, hooks } = shop(640);
  const controller = new AbortController();
  hooks.onEmbed = async (batch) => {
    if (batch === 2) controller.abort(new Error('stop'));
  };
  await expect(embedMissing(context, MODEL, controller.signal)).rejects.toThrow('stop');
  const ended = [...log];
  await later();
  expect(log).toEqual(ended);
  expect(log.filter((line) => line.startsWith('written'))).toHaveLength(
    log.filter((line) => line.startsWith('write ')).length,
  );
  const before = table.size;
  expect(before).toBeGreaterThanOrEqual(256);
  expect(await embedMissing(context, MODEL, never)).toBe(640 - before);
  expect(table.size).toBe(640);
});

test.each(['onEmbed', 'onUpsert'] as const)('a failure of %s is told, and nothing is left running', async (hook) => {
  const { context, log, hooks } = shop(640);
  hooks[hook] = async (batch) => {
    if (batch === 1) throw new Error('broken');
  };
  await expect(embedMissing(context, MODEL, never)).rejects.toThrow('broken');
  const ended = [...log];
  await later();
  await later();
  expect(log).toEqual(ended);
});

test('a version of before sides were kept knows the common one', () => {
  expect(sidesOf({ metrics: {} })).toEqual([64]);
  expect(sidesOf(MODEL)).toEqual([64, 96]);
});

const EYE = { facts: { id: 'eye-1', dimensions: 2 }, description: { input: { side: 224 } }, path: '/eye.onnx' };
type Asked = { pictures: string[]; pixels: object; encoded: Record<string, Uint16Array> };

/** The same catalog whose version has no network. `known`: products of whose pictures everything is stored. */
function projected(count: number, known: readonly number[]) {
  const made = shop(count);
  const stored = new Map<string, Uint16Array>();
  const row = (i: number, length: number) => Uint16Array.from({ length }, (_, at) => (at === 0 ? i : 9));
  for (const i of known)
    for (const { facts } of [goldenEye, EYE]) stored.set(`${facts.id}/v1 ${hashOf(i)}`, row(i, facts.dimensions));
  const opened: string[] = [];
  const sizes: number[] = [];
  const unseen = new Set<string>();
  const features = {
    unseen: async (key: string, hashes: string[]) => new Set(hashes.filter((hash) => unseen.has(`${key} ${hash}`))),
    addUnseen: async (key: string, hashes: string[]) => {
      for (const hash of hashes) unseen.add(`${key} ${hash}`);
    },
    anySeen: async (key: string) => {
      const contentHash = [...stored.keys()].find((name) => name.startsWith(key))?.split(' ')[1];
      return contentHash === undefined ? null : { source: '/seen', contentHash };
    },
    of: async (key: string, hashes: string[]) =>
      new Map(hashes.flatMap((hash) => (stored.has(`${key} ${hash}`) ? [[hash, stored.get(`${key} ${hash}`)!]] : []))),
    add: async (key: string, rows: Map<string, Uint16Array>) => {
      for (const [hash, bits] of rows) stored.set(`${key} ${hash}`, bits);
    },
  };
  const embedder = {
    encode: async ({ pictures, encoder: { facts } }: { pictures: string[]; encoder: typeof EYE }) => ({
      vectors: Uint16Array.from(pictures.flatMap((hash) => [...row(Number(hash), facts.dimensions)])),
    }),
    embed: async ({ pictures, pixels, encoded }: Asked) => {
      expect(pixels).toEqual({});
      sizes.push(pictures.length);
      const parts = Object.values(encoded);
      // What each eye saw in each picture, added up.
      const sums = pictures.map((_hash, i) =>
        parts.reduce((sum, rows) => sum + rows[(i * rows.length) / pictures.length]!, 0),
      );
      return { dimensions: 2, vectors: Float32Array.from(sums.flatMap((sum) => [sum, parts.length])) };
    },
  };
  const pictures = {
    folders: () => ({}),
    look: () => 'v1',
    forget: async () => {},
    ensure: async (_hash: string, source: string) => void opened.push(source),
  };
  Object.assign((made.context as unknown as { repositories: object }).repositories, { features });
  Object.assign(made.context, { pictures, embedder, encoder: EYE });
  return { ...made, opened, sizes };
}
const FROZEN = {
  id: 'mdl',
  number: 1,
  metrics: { training: { shares: { hog: 0.2, 'eye-1#last': 0.8 }, encoder: { id: 'eye-1', choice: 'eye' } } },
};

test('a version without a network opens no picture: it is a projection of what is stored, in large pages', async () => {
  const { context, table, opened, sizes } = projected(
    1100,
    Array.from({ length: 1100 }, (_, i) => i),
  );
  expect(sidesOf(FROZEN)).toEqual([]);
  expect(await embedMissing(context, FROZEN, never)).toBe(1100);
  expect([opened, sizes]).toEqual([[], [512, 512, 76]]);
  expect(table.get(idOf(1099))).toEqual({ contentHash: hashOf(1099), vector: [2198, 2] });
});

test('it opens those pictures of which something is not stored, and asks no eye that no block reads', async () => {
  const { context, table, opened } = projected(6, [0, 1, 2, 4]);
  const golden = { ...FROZEN, metrics: { training: { ...FROZEN.metrics.training, shares: { colour: 1 } } } };
  expect(await embedMissing(context, golden, never)).toBe(6);
  expect(opened).toEqual(['/3', '/5']);
  expect(table.get(idOf(5))?.vector).toEqual([5, 1]);
  table.clear();
  expect(await embedMissing(context, FROZEN, never)).toBe(6);
  expect(opened).toEqual(['/3', '/5', '/3', '/5']); // the encoder had not looked
});

test('all pictures of a product go into its vector; one that is not read yet lets it wait, one that cannot be seen does not', async () => {
  const { context, table } = projected(4, [0, 1, 2, 3]);
  const parts = context as unknown as {
    repositories: { embeddings: object; images: object };
    embedder: {
      embed: (request: object) => Promise<object>;
      encode: (request: { pictures: string[]; encoder: { facts: { id: string } } }) => Promise<object>;
    };
    pictures: { ensure: (hash: string, source: string) => Promise<void> };
    log: object;
  };
  const picture = (i: number) => ({ source: `/${i}`, contentHash: hashOf(i) });
  const rows = [
    { productId: 'one', contentHash: 'k1', pictures: [picture(0)] },
    { productId: 'two', contentHash: 'k2', pictures: [picture(1), picture(2)] },
    { productId: 'unread', contentHash: 'k3', pictures: [picture(3), picture(7)] },
    { productId: 'unseen', contentHash: 'k4', pictures: [picture(8), picture(3)] },
  ];
  const asked: { pictures: string[]; counts?: number[] }[] = [];
  const { encode } = parts.embedder;
  Object.assign(parts.repositories.embeddings, {
    missing: async (_model: number, _limit: number, after: string | null) =>
      rows.filter(({ productId }) => productId > (after ?? '') && !table.has(productId)),
  });
  parts.pictures.ensure = async (_hash, source) => {
    if (source === '/7') throw new SimiliError('IMAGE_UNREACHABLE', { source, why: 'away' });
  };
  parts.embedder.encode = async (request) => {
    if (request.encoder.facts.id === EYE.facts.id && request.pictures.includes(hashOf(8)))
      throw new SimiliError('IMPORT_UNREADABLE', { source: 'the encoder eye-1', why: 'no numbers' });
    return encode(request);
  };
  parts.log = { warn: () => {} };
  parts.embedder.embed = async (request) => {
    asked.push(request as (typeof asked)[number]);
    return { dimensions: 1, vectors: new Float32Array(rows.length) };
  };
  await encodePictures(context as never, EYE as never, [picture(5)], never); // the encoder works
  expect(await embedMissing(context, FROZEN, never)).toBe(3);
  expect(asked.map(({ pictures }) => pictures.map(Number))).toEqual([[0, 1, 2, 3]]);
  expect(asked[0]!.counts).toEqual([1, 2, 1]);
  expect([...table].map(([id, { contentHash }]) => [id, contentHash])).toEqual([
    ['one', 'k1'],
    ['two', 'k2'],
    ['unseen', 'k4'],
  ]);
});

test('a version with a network reads pixels, whatever is stored', () => {
  const network = { metrics: { training: { sides: [64, 96], shares: { hog: 0.5, network: 0.5 } } } };
  expect(sidesOf(network)).toEqual([64, 96]);
});

test('a shop that writes all day does not keep an embedding from its end; what comes in thousands meanwhile is in it', async () => {
  for (const [place, letter] of [
    ['unshift', 'a'],
    ['push', 'z'],
  ] as const) {
    const busy = shop(300);
    const { products } = busy;
    busy.hooks.onEmbed = async () => {
      products[place]({ ...products[150]!, productId: `${letter}${String(products.length).padStart(5, '0')}` });
    };
    expect(await embedMissing(busy.context, MODEL, never)).toBeLessThan(310);
    expect(busy.table.has('p00299')).toBe(true);
  }
  const importing = shop(300);
  importing.hooks.onEmbed = async (batch) => {
    for (let i = 0; batch === 4 && i < 1000; i++)
      importing.products.push({ ...importing.products[0]!, productId: `a${String(i).padStart(5, '0')}` });
    importing.products.sort((a, b) => (a.productId < b.productId ? -1 : 1));
  };
  expect(await embedMissing(importing.context, MODEL, never)).toBe(1300);
});
