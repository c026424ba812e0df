import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createApiKey } from '../../src/api-keys.ts';
import { readMultipart, simili } from '../../src/index.ts';
import { ADMIN_KEY, type TestApi, testApi } from '../support/api.ts';
import { freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';

/* Products with pictures as files, sent as clients send them: `fetch` and FormData. */
const UPSERT = `mutation Upsert($products: [ProductInput!]!) { upsertProducts(input: { products: $products }) {
  created updated unchanged rejected userErrors { code field message } } }`;
const KEY = { authorization: `Bearer ${ADMIN_KEY}`, 'apollo-require-preflight': '1' };
const picture = (text: string) => new Blob([text], { type: 'image/png' });
type Sent = Record<string, Blob>;

/** As urql, Apollo's link and curl write it. */
function formOf(products: object[], files: Sent, changes: Record<string, string> = {}): FormData {
  const form = new FormData();
  const places = Object.keys(files).map((path, i) => [i, [`variables.products.${path}`]]);
  const parts = {
    operations: JSON.stringify({ query: UPSERT, variables: { products } }),
    map: JSON.stringify(Object.fromEntries(places)),
  };
  for (const [name, text] of Object.entries({ ...parts, ...changes })) form.set(name, text);
  for (const [i, file] of Object.values(files).entries()) form.set(`${i}`, file, `${i}.png`);
  return form;
}
const shoe = { id: 'shoe', title: 'Shoe', pictures: [null] };

function describeUploads(name: string, tags: string[] = []): void {
  describe(`pictures as files on ${name}`, { tags }, () => {
    let api: TestApi;
    beforeAll(async () => {
      const database = await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined);
      api = await testApi({ SIMILI_MAX_IMAGE_BYTES: '100000' }, { database });
    });
    beforeEach(async () => {
      await api.database.storage.prisma.product.deleteMany();
      await api.database.storage.prisma.uploadedPicture.deleteMany();
    });
    afterAll(() => api[Symbol.asyncDispose]());

    const send = async (
      body: FormData | Buffer<ArrayBuffer> | string,
      headers: Record<string, string> = KEY,
      path = '/admin/graphql',
    ) => {
      const response = await fetch(`${api.server.url}${path}`, { method: 'POST', headers, body });
      // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
      return { status: response.status, ...((await response.json()) as any) };
    };
    const upsert = async (products: object[], files: Sent) => (await send(formOf(products, files))).data.upsertProducts;
    const sources = async () =>
      (await api.database.storage.prisma.productImage.findMany({ orderBy: { position: 'asc' } })).map(
        ({ source }) => source,
      );
    const stored = () => api.database.storage.prisma.uploadedPicture.count();

    test('what the answer counts is stored with its pictures, each once, and the same again changes nothing', async () => {
      const two = [
        { ...shoe, pictures: [null, null], imageUrls: ['https://shop.test/3.png'] },
        { ...shoe, id: 'boot' },
      ];
      const files = { '0.pictures.0': picture('one'), '0.pictures.1': picture('two'), '1.pictures.0': picture('one') };
      expect(await upsert(two, files)).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: 0, userErrors: [] });
      expect(api.queue.added.splice(0)).toMatchObject([{ name: 'ingest' }]);
      expect(await upsert(two, files)).toMatchObject({ unchanged: 2 });
      expect(api.queue.added.splice(0)).toEqual([]);
      expect(await stored()).toBe(2);
      const [first] = await sources();
      // sha-256 of "one"
      expect(first).toBe('upload:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
      expect(Buffer.from((await api.database.repositories.uploadedPictures.read(first!.slice(7)))!).toString()).toBe(
        'one',
      );
      expect(await upsert([shoe], { '0.pictures.0': picture('three') })).toMatchObject({ updated: 1 });
    });

    test('a product that is not right is refused alone, by the place of its picture', async () => {
      const text = { ...shoe, id: 'text', pictures: ['https://shop.test/a.png'] };
      const none = { ...shoe, id: 'none' };
      const many = { ...shoe, id: 'many', imageUrls: Array(10).fill('https://shop.test/a.png') };
      const named = { ...shoe, id: 'named', pictures: null, imageUrls: [`upload:${'0'.repeat(64)}`] };
      const files = { '0.pictures.0': picture('one'), '3.pictures.0': picture('two') };
      const { created, rejected, userErrors } = await upsert([shoe, text, none, many, named], files);
      expect({ created, rejected }).toEqual({ created: 1, rejected: 4 });
      expect(userErrors.map(({ field }: { field: string[] }) => field.join('.'))).toEqual([
        'products.1.pictures.0',
        'products.2.pictures.0',
        'products.3.pictures',
        'products.4.imageUrls.0',
      ]);
      expect(await stored()).toBe(1); // of those that are refused nothing is kept
    });

    test('a picture is shown from the database where no worker of this machine has made a copy', async () => {
      await upsert([shoe], { '0.pictures.0': picture('<svg/>') });
      const [image] = await api.database.repositories.images.claimPending(1, 60);
      const url = async () =>
        (await api.shop('{ product(by: { id: "shoe" }) { image { url } } }')).data.product.image.url as string;
      expect(await url()).toBe(`/images/${image!.id}`);
      expect((await fetch(api.server.url + (await url()))).status).toBe(404); // nobody has looked at it yet
      const contentHash = image!.source.slice('upload:'.length);
      const facts = { contentHash, mime: 'image/png', width: 1, height: 1 };
      await api.database.repositories.images.markReady(image!, facts);
      const shown = await fetch(api.server.url + (await url()));
      expect([shown.status, shown.headers.get('content-type'), await shown.text()]).toEqual([
        200,
        'image/png',
        '<svg/>',
      ]);
      expect(shown.headers.get('content-security-policy')).toContain('sandbox');
    });

    test.each<[string, Record<string, string>, Sent, string]>([
      ['no map', { map: '' }, {}, 'map must be JSON'],
      [
        'a place that is none',
        { map: '{"0":["variables.products.0.title"]}' },
        { '0.pictures.0': picture('a') },
        'map.0 names',
      ],
      ['a file that is missing', { map: '{"7":["variables.products.0.pictures.0"]}' }, {}, '7 is missing'],
    ])('%s is INVALID_ARGUMENT, and nothing is stored', async (_what, changes, files, message) => {
      expect(await send(formOf([shoe], files, changes))).toMatchObject({
        status: 400,
        errors: [{ message: expect.stringContaining(message), extensions: { code: 'INVALID_ARGUMENT', retry: false } }],
      });
      expect(await stored()).toBe(0);
    });

    test('a file in a place of another type is refused by GraphQL, or with its entry', async () => {
      const form = (query: string, variables: object, path: string) => {
        const own = { operations: JSON.stringify({ query, variables }), map: JSON.stringify({ 0: [path] }) };
        return formOf([], { x: picture('a') }, own);
      };
      const deletion = 'mutation ($ids: [ID!]!) { deleteProducts(input: { ids: $ids }) { deleted } }';
      expect(await send(form(deletion, { ids: [null] }, 'variables.ids.0'))).toMatchObject({
        status: 400,
        errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
      });
      const titled = { products: [{ ...shoe, pictures: [], title: null }] };
      expect((await send(form(UPSERT, titled, 'variables.products.0.title'))).data.upsertProducts).toMatchObject({
        userErrors: [{ field: ['products', '0', 'title'] }],
      });
    });

    test('a picture, and a request, of more bytes than are taken are refused with 413, and a packed one with 415', async () => {
      const large = picture('x'.repeat(100_001));
      expect(await send(formOf([shoe], { '0.pictures.0': large }))).toMatchObject({
        status: 413,
        errors: [{ extensions: { code: 'IMAGE_TOO_LARGE' } }],
      });
      const body = Buffer.alloc(32 * 2 ** 20 + 1);
      const type = { ...KEY, 'content-type': 'multipart/form-data; boundary=x' };
      expect(await send(body, type)).toMatchObject({
        status: 413,
        errors: [
          { message: 'A request with files may have at most 33554432 bytes', extensions: { code: 'BAD_REQUEST' } },
        ],
      });
      expect((await send('x', { ...type, 'content-encoding': 'gzip' })).status).toBe(415);
      expect((await send('', type)).status).toBe(400);
    });

    test('a key for something else, no key and a page of another origin are told so before a byte of the files is read', async () => {
      const { key } = await createApiKey(api.database.repositories, { name: 'ci', scopes: ['operate'] });
      const { 'apollo-require-preflight': _, ...bare } = KEY;
      const refused: [Record<string, string>, number, string][] = [
        [{ ...KEY, authorization: `Bearer ${key}` }, 403, 'FORBIDDEN'],
        [{ 'apollo-require-preflight': '1' }, 401, 'UNAUTHENTICATED'],
        [bare, 400, 'BAD_REQUEST'],
      ];
      for (const [headers, status, code] of refused)
        expect(await answerToHead(api, headers), code).toEqual([status, code]);
    });

    test.each([
      ['/graphql', 400],
      ['/admin/graphql/stream', 404],
    ])('%s takes no files', async (path, status) => {
      const body = formOf([shoe], { '0.pictures.0': picture('a') });
      const response = await fetch(`${api.server.url}${path}`, { method: 'POST', headers: KEY, body });
      expect([response.status, await stored()]).toEqual([status, 0]);
    });
  });
}

/** Status and code of the answer to a request of which only the head is sent. */
async function answerToHead({ server }: TestApi, headers: Record<string, string>): Promise<[number, string]> {
  const socket = connect(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const head = {
    host: 'simili',
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': '9999',
    ...headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  socket.write(`POST /admin/graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (/"code":"(\w+)"/.test(text)) break;
  }
  return [Number(text.slice(9, 12)), /"code":"(\w+)"/.exec(text)![1]!];
}

describe('in a server of the host', () => {
  let api: TestApi;
  let http: Server;
  beforeAll(async () => {
    api = await testApi();
    const server = new ApolloServer({ schema: simili(api.services).admin({ adminKey: ADMIN_KEY }) });
    await server.start();
    const app = express();
    // As docs/api.md has it.
    app.post(
      '/admin',
      express.raw({ type: 'multipart/form-data', limit: '32mb' }),
      async (req, _res, next) => {
        if (Buffer.isBuffer(req.body))
          req.body = await readMultipart(req.body, req.headers['content-type'] ?? '', 20e6);
        next();
      },
      express.json(),
      expressMiddleware(server, { context: async ({ req }) => ({ req }) }),
    );
    http = createServer(app).listen(0, '127.0.0.1');
    await new Promise((done) => http.once('listening', done));
  });
  afterAll(async () => {
    http.close();
    await api[Symbol.asyncDispose]();
  });

  test('readMultipart gives an Apollo Server what it needs, without our plugin', async () => {
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/admin`;
    const form = formOf([shoe, { ...shoe, id: 'bad', pictures: ['x'] }], { '0.pictures.0': picture('one') });
    const response = await fetch(url, { method: 'POST', headers: KEY, body: form });
    expect(await response.json()).toMatchObject({
      data: {
        upsertProducts: { created: 1, rejected: 1, userErrors: [{ field: ['products', '1', 'pictures', '0'] }] },
      },
    });
    expect(await api.database.storage.prisma.uploadedPicture.count()).toBe(1);
  });
});

describeUploads('PGlite');
describeUploads('Postgres', ['postgres']);
