import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PictureAnswer } from '../../src/db/picture-queries.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { codeOf } from '../support/ask.ts';
import { freshDatabase } from '../support/database.ts';
import { addModel, addProducts, serve, unit } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/* Search by picture over HTTP, with a worker that answers by what it is given. */
const ANGLES = { east: 0, near: 0.1, variant: 0.2, north: Math.PI / 2, south: -1.5, west: 3 };
const at = (angle: number) => unit([Math.cos(angle), Math.sin(angle)]);
const LIST = `query ($picture: PictureInput!, $filter: ProductFilter, $first: Int, $after: String, $diversity: Float, $distinctPictures: Boolean) {
  similarToPicture(picture: $picture, filter: $filter, first: $first, after: $after, diversity: $diversity, distinctPictures: $distinctPictures) {
    status modelVersionId pictureToken nodes { id } edges { score position } pageInfo { hasNextPage endCursor } } }`;
const URL_PICTURE = { url: 'https://pictures.test/a.jpg' };

function describePictures(name: string, tags: string[] = []): void {
  describe(`search by picture on ${name}`, { tags }, () => {
    let api: TestApi;
    let first: string;
    let now = 0;
    /** Pictures that the worker was given, and its answer. */
    let given: unknown[];
    let answer: PictureAnswer;
    beforeAll(async () => {
      const database = await freshDatabase(name === 'Postgres' ? postgresUrl() : undefined);
      api = await testApi({ SIMILI_PICTURE_RATE: '1' }, { database, monotonic: () => now });
      await addProducts(
        database,
        Object.keys(ANGLES).map((id) => ({
          id,
          availableForSale: id !== 'near',
          groupId: /east|variant/.test(id) ? 'g' : null,
        })),
      );
      const vectors = Object.fromEntries(Object.entries(ANGLES).map(([id, angle]) => [id, [...at(angle)]]));
      ({ id: first } = await addModel(database, vectors));
      const { pictureQueries } = database.repositories;
      api.queue.add = async (_name, payload) => {
        const { id } = payload as { id: string };
        const taken = await pictureQueries.take(id);
        given.push(taken);
        await pictureQueries.answer(id, answer);
      };
    });
    beforeEach(() => {
      given = [];
      answer = { vector: at(0.02) };
      now += 1e6; // buckets are full again
    });
    afterAll(() => api[Symbol.asyncDispose]());
    const list = async (variables: object) => (await api.shop(LIST, variables)).data.similarToPicture;
    const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);
    const post = (
      body: string | Buffer<ArrayBuffer>,
      headers: Record<string, string> = { 'content-type': 'image/jpeg' },
    ) => fetch(`${api.server.url}/picture`, { method: 'POST', headers, body });
    const codeIn = async (response: Response) => {
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
      return [response.status, errors[0]!.extensions.code];
    };

    test('bytes go to the worker as they came, and their token is a list: the nearest first, one of a group, scores', async () => {
      const bytes = Buffer.from([0, 255, 1, 2, 3]);
      const response = await post(bytes);
      const { pictureToken } = (await response.json()) as { pictureToken: string };
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(given).toMatchObject([{ modelId: first, picture: { bytes } }]);
      const found = await list({ picture: { token: pictureToken } });
      expect(found).toMatchObject({ status: 'OK', modelVersionId: first, pictureToken });
      expect(idsOf(found)).toEqual(['east', 'near', 'south', 'north', 'west']);
      expect(found.edges[0]).toEqual({ position: 1, score: expect.closeTo(1 - (2 - 2 * Math.cos(0.02)) / 4, 5) });
      expect(await api.database.storage.prisma.pictureQuery.count()).toBe(0); // nothing stays
      const available = await list({ picture: { token: pictureToken }, filter: { available: true }, diversity: 0.3 });
      expect(idsOf(available).sort()).toEqual(['east', 'north', 'south', 'west']);
      // What looks like the picture is what is looked for; what looks like that product is not shown beside it.
      const distinct = await list({ picture: { token: pictureToken }, distinctPictures: true });
      expect(idsOf(distinct)).toEqual(['east', 'south', 'north', 'west']);
      expect(given).toHaveLength(1);
    });

    test('an address is looked at in one step, and further pages by its token', async () => {
      const page = await list({ picture: URL_PICTURE, first: 2 });
      expect(given).toMatchObject([{ picture: URL_PICTURE }]);
      const { pictureToken: token, pageInfo } = page;
      const next = await list({ picture: { token }, first: 9, after: pageInfo.endCursor });
      expect([...idsOf(page), ...idsOf(next)]).toEqual(['east', 'near', 'south', 'north', 'west']);
      answer = { vector: at(1) };
      const other = await list({ picture: URL_PICTURE });
      const crossed = await api.shop(LIST, { picture: { token: other.pictureToken }, after: pageInfo.endCursor });
      expect(codeOf(crossed)).toBe('CURSOR_INVALID');
    });

    test('a list goes on in the version that has seen the picture, until that is gone', async () => {
      const { pictureToken: token } = await list({ picture: URL_PICTURE });
      const east = { east: [1, 0], north: [0, 1] };
      const { id } = await addModel(api.database, east);
      await expect.poll(async () => (await list({ picture: URL_PICTURE })).modelVersionId).toBe(id);
      expect(await list({ picture: { token } })).toMatchObject({ status: 'OK', modelVersionId: first });
      const { prisma } = api.database.storage;
      const where = { catalogId_id: { catalogId: 'default', id: first } };
      await prisma.modelVersion.update({ where, data: { state: 'RETIRED' } });
      expect(codeOf(await api.shop(LIST, { picture: { token } }))).toBe('PICTURE_TOKEN_EXPIRED');
      await prisma.modelVersion.update({ where, data: { state: 'STANDBY' } });
      await serve(api.database, first);
      await expect.poll(async () => (await list({ picture: { token } })).modelVersionId).toBe(first);
      api.clock.aheadMs = 3_700_000;
      expect(codeOf(await api.shop(LIST, { picture: { token } }))).toBe('PICTURE_TOKEN_EXPIRED');
      api.clock.aheadMs = 0;
    });

    test('what is wrong with a picture is told by its code', async () => {
      answer = { code: 'IMAGE_UNREADABLE', facts: { source: 'the picture', why: 'it is not a picture' } };
      expect(await codeIn(await post('no picture'))).toEqual([422, 'IMAGE_UNREADABLE']);
      expect(codeOf(await api.shop(LIST, { picture: URL_PICTURE }))).toBe('IMAGE_UNREADABLE');
      answer = { code: 'PICTURES_UNAVAILABLE', facts: { why: 'test' } };
      expect(await codeIn(await post('x'))).toEqual([503, 'PICTURES_UNAVAILABLE']);
      for (const picture of [
        { url: '/etc/passwd' },
        { url: 'file:///etc/passwd' },
        { url: `https://a.test/${'x'.repeat(2000)}` },
      ])
        expect(codeOf(await api.shop(LIST, { picture }))).toBe('INVALID_ARGUMENT');
      expect(codeOf(await api.shop(LIST, { picture: { token: 'x' } }))).toBe('PICTURE_TOKEN_INVALID');
      expect((await api.shop(LIST, { picture: { ...URL_PICTURE, token: 'x' } })).errors).toHaveLength(1);
    });

    test('only pictures are received, of 8 MB at most, and not from pages of foreign origins', async () => {
      expect(await codeIn(await post('{}', { 'content-type': 'application/json' }))).toEqual([415, 'BAD_REQUEST']);
      expect(await codeIn(await post('x', { 'content-type': 'text/plain' }))).toEqual([415, 'BAD_REQUEST']);
      expect(await codeIn(await post(''))).toEqual([422, 'IMAGE_UNREADABLE']);
      const large = Buffer.alloc(8 * 2 ** 20 + 1);
      expect(await codeIn(await post(large))).toEqual([413, 'IMAGE_TOO_LARGE']);
      expect((await post(large.subarray(1))).status).toBe(200);
      const preflight = await fetch(`${api.server.url}/picture`, {
        method: 'OPTIONS',
        headers: { origin: 'https://foreign.test', 'access-control-request-method': 'POST' },
      });
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([405, null]);
      expect((await fetch(`${api.server.url}/picture`)).status).toBe(405);
      expect(given).toHaveLength(1);
    });

    test('an address may ask for ten at once and one a second, ten times that from this machine, however it asks', async () => {
      const answers: number[] = [];
      for (let i = 0; i < 50; i++) {
        answers.push((await post('x')).status);
        answers.push(codeOf(await api.shop(LIST, { picture: URL_PICTURE })) === undefined ? 200 : 429);
      }
      expect(answers.filter((status) => status !== 200)).toEqual([]);
      const refused = await post('x');
      expect([refused.headers.get('retry-after'), await codeIn(refused)]).toEqual(['1', [429, 'RATE_LIMITED']]);
      expect(codeOf(await api.shop(LIST, { picture: URL_PICTURE }))).toBe('RATE_LIMITED');
      now += 100;
      expect((await post('x')).status).toBe(200);
    });

    test('a GET is kept by no cache', async () => {
      const query = new URLSearchParams({ query: LIST, variables: JSON.stringify({ picture: URL_PICTURE }) });
      const headers = { 'apollo-require-preflight': '1' };
      const response = await fetch(`${api.server.url}/graphql?${query}`, { headers });
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    });
  });
}

describePictures('PGlite');
describePictures('Postgres', ['postgres']);
