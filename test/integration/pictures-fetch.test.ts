import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { lookup } from 'node:dns';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildConnector } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FetchOptions, openPictureFetcher } from '../../workers/pictures/fetch.ts';
import { openHostGate } from '../../workers/pictures/host-gate.ts';

const BODY = Buffer.alloc(5000, 7);
const requests: string[] = [];
const answers: Record<string, RequestListener> = {
  '/ok': (_request, response) => response.end(BODY),
  '/chunked': (_request, response) => {
    response.write(BODY);
    response.end(BODY);
  },
  '/endless': (_request, response) => {
    const more = setInterval(() => response.write(BODY), 1);
    response.on('close', () => clearInterval(more));
  },
  '/announced': (_request, response) => {
    response.writeHead(200, { 'content-length': 10 ** 9 }).write(BODY);
  },
  '/slow': (_request, response) => {
    response.writeHead(200).write(BODY);
  },
  '/silent': () => {},
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 9000 }).write(BODY, () => response.destroy());
  },
  '/empty': (_request, response) => response.end(),
  '/encoding': ({ headers }, response) => response.end(headers['accept-encoding']),
  '/gzip': (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(BODY)),
  '/bomb': (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10 ** 7))),
  '/broken-gzip': (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BODY),
  '/cut-gzip': (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(randomBytes(5000)).subarray(0, 2000)),
  '/zstd': (_request, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end(BODY),
  '/etag': ({ headers }, response) =>
    headers['if-none-match'] === '"v1"'
      ? response.writeHead(304).end()
      : response.writeHead(200, { etag: '"v1"', 'last-modified': 'Thu, 26 Nov 2026 12:00:00 GMT' }).end(BODY),
  '/since': ({ headers }, response) => response.writeHead(headers['if-modified-since'] ? 304 : 200).end(BODY),
  '/gr\u00fcn.png': (_request, response) => response.end(BODY),
  '/busy': (_request, response) => response.writeHead(503, { 'retry-after': '120' }).end(),
  '/utf8': ({ socket }: IncomingMessage) => {
    socket.end(Buffer.from('HTTP/1.1 302 Found\r\nlocation: /gr\u00fcn.png\r\nconnection: close\r\n\r\n', 'utf8'));
  },
  '/hop1': redirect('/hop2'),
  '/hop2': redirect('hop3'),
  '/hop3': redirect(() => `${base}/ok`),
  '/hop0': redirect('/hop1'),
  '/loop': redirect('/loop'),
  '/private': redirect(() => base.replace('127.0.0.1', '127.0.0.2').concat('/ok')),
  '/private-name': redirect(() => base.replace('127.0.0.1', 'inside.test').concat('/ok')),
  '/file': redirect('file:///etc/passwd'),
  '/password': redirect(() => base.replace('//', '//user:secret@')),
  '/nowhere': redirect('http://'),
};
const server = createServer((request, response) => {
  requests.push(request.url ?? '');
  const answer = answers[decodeURI(request.url ?? '')];
  if (answer) answer(request, response);
  else response.writeHead(404).end('nothing here');
});
let base = '';

function redirect(to: string | (() => string)): RequestListener {
  return (_request, response) => response.writeHead(302, { location: typeof to === 'string' ? to : to() }).end();
}

const limits = { maxBytes: 10_000, timeoutMs: 3000, allowPrivate: true };
/** A fetcher for one fetch. */
async function fetchOnce(
  source: string,
  changes: Partial<FetchOptions> = {},
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const fetcher = openPictureFetcher({ ...limits, ...changes });
  return fetcher
    .fetch(source, signal)
    .then(({ bytes }) => bytes)
    .finally(() => fetcher.close());
}
/** 127.0.0.1 plays the public host, everything else is private. */
const guarded: Partial<FetchOptions> = {
  allowPrivate: false,
  isAllowed: (address) => address === '127.0.0.1',
};
/** A name server that knows these names. */
const resolver = (names: Record<string, string[]>) =>
  ((
    hostname: string,
    _options: unknown,
    callback: (error: Error | null, found: { address: string; family: number }[]) => void,
  ) => {
    const found = names[hostname];
    if (found)
      callback(
        null,
        found.map((address) => ({
          address,
          family: address.includes(':') ? 6 : 4,
        })),
      );
    else callback(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), []);
  }) as unknown as typeof lookup;

const fails = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('over http', () => {
  test('gets the bytes, and asks for them uncompressed', async () => {
    expect(await fetchOnce(`${base}/ok`)).toEqual(BODY);
    expect(await fetchOnce(`${base}/chunked`)).toHaveLength(10_000);
    expect(await fetchOnce(`${base}/empty`)).toHaveLength(0);
    expect(String(await fetchOnce(`${base}/encoding`))).toBe('identity');
  });

  test('follows three redirects, not four, and not in circles', async () => {
    expect(await fetchOnce(`${base}/hop1`)).toEqual(BODY);
    await expect(fetchOnce(`${base}/hop0`)).rejects.toEqual(fails('IMAGE_UNREACHABLE', /more than 3 redirects/));
    await expect(fetchOnce(`${base}/loop`)).rejects.toEqual(fails('IMAGE_UNREACHABLE', /more than 3 redirects/));
    await expect(fetchOnce(`${base}/nowhere`)).rejects.toEqual(
      fails('IMAGE_FORBIDDEN', /redirects to something that is no URL/),
    );
  });

  test('names the status of any other answer', async () => {
    await expect(fetchOnce(`${base}/gone`)).rejects.toEqual(
      fails('IMAGE_UNREACHABLE', /\/gone: its host answered 404$/),
    );
  });

  test('stops at the byte limit, whether the length was announced, hidden or endless', async () => {
    for (const path of ['/announced', '/endless']) {
      await expect(fetchOnce(base + path)).rejects.toEqual(fails('IMAGE_TOO_LARGE', /more than 10000 bytes/));
    }
    await expect(fetchOnce(`${base}/chunked`, { maxBytes: 9999 })).rejects.toEqual(fails('IMAGE_TOO_LARGE', /9999/));
  });

  test('stops at the time limit, before the headers and within the body', async () => {
    for (const path of ['/silent', '/slow']) {
      await expect(fetchOnce(base + path, { timeoutMs: 200 })).rejects.toEqual(
        fails('IMAGE_UNREACHABLE', /it took over 0.2 s/),
      );
    }
  });

  test('ends with the reason of the signal that aborts it', async () => {
    const shutdown = new AbortController();
    setTimeout(() => shutdown.abort(new Error('shutting down')), 100);
    await expect(fetchOnce(`${base}/slow`, {}, shutdown.signal)).rejects.toThrow('shutting down');
  });

  test('unpacks what its host packs unasked, no further than the byte limit', async () => {
    expect(await fetchOnce(`${base}/gzip`)).toEqual(BODY);
    await expect(fetchOnce(`${base}/bomb`)).rejects.toEqual(fails('IMAGE_TOO_LARGE', /more than 10000 bytes/));
    for (const path of ['/broken-gzip', '/cut-gzip'])
      await expect(fetchOnce(base + path)).rejects.toEqual(fails('IMAGE_UNREADABLE', /its gzip packing is damaged/));
    await expect(fetchOnce(`${base}/zstd`)).rejects.toEqual(fails('IMAGE_UNREADABLE', /its host packed it as zstd/));
  });

  test('asks only whether something changed, by whatever the host said before', async () => {
    const fetcher = openPictureFetcher(limits);
    const first = await fetcher.fetch(`${base}/etag`);
    expect(first.revision).toEqual({ etag: '"v1"', lastModified: 'Thu, 26 Nov 2026 12:00:00 GMT' });
    expect(await fetcher.fetch(`${base}/etag`, undefined, first.revision)).toBeNull();
    expect((await fetcher.fetch(`${base}/etag`, undefined, { etag: '"v0"', lastModified: null }))?.bytes).toEqual(BODY);
    expect(await fetcher.fetch(`${base}/since`, undefined, { etag: null, lastModified: 'then' })).toBeNull();
    await fetcher.close();
  });

  test('reads the address of a redirect as UTF-8, as browsers do', async () => {
    expect(await fetchOnce(`${base}/utf8`)).toEqual(BODY);
  });

  test('leaves a host alone for as long as it asks, and says until when', async () => {
    let now = 0;
    const gate = openHostGate({ now: () => now });
    const fetcher = openPictureFetcher({ ...limits, gate });
    const { length } = requests;
    await expect(fetcher.fetch(`${base}/busy`)).rejects.toMatchObject({
      code: 'IMAGE_UNREACHABLE',
      retry: true,
      message: expect.stringMatching(/its host answered 503$/),
      facts: { retryAfterSeconds: 120, asked: true },
    });
    now = 60_000;
    await expect(fetcher.fetch(`${base}/ok`)).rejects.toMatchObject({ facts: { retryAfterSeconds: 60, asked: false } });
    expect(requests.slice(length)).toEqual(['/busy']);
    now = 120_000;
    expect((await fetcher.fetch(`${base}/ok`)).bytes).toEqual(BODY);
    await fetcher.close();
  });

  test('has at most four connections to a host at once, and time limits count from each one\u2019s turn', async () => {
    let inside = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const busy = createServer((_request, response) => {
      most = Math.max(most, ++inside);
      waiting.push(() => {
        inside -= 1;
        response.end(BODY);
      });
      // Answered when all have come that may: a fifth one would be seen.
      if (waiting.length === 4 || waiting.length === left) for (const answer of waiting.splice(0)) setImmediate(answer);
    });
    let left = 10;
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as AddressInfo;
    const fetcher = openPictureFetcher(limits);
    const all = Array.from({ length: 10 }, async (_, i) => {
      await fetcher.fetch(`http://127.0.0.1:${port}/${i}`);
      left -= 1;
      if (waiting.length === left) for (const answer of waiting.splice(0)) answer();
    });
    await Promise.all(all);
    expect(most).toBe(4);
    await fetcher.close();
    busy.close();
  });

  test('says when a connection is lost, refused or has nobody to go to', async () => {
    await expect(fetchOnce(`${base}/cut`)).rejects.toEqual(fails('IMAGE_UNREACHABLE', /connection lost/));
    await expect(fetchOnce('http://127.0.0.1:1/a.png')).rejects.toEqual(
      fails('IMAGE_UNREACHABLE', /connection refused/),
    );
    await expect(fetchOnce('http://shop.test/a.png', { lookup: resolver({}) })).rejects.toEqual(
      fails('IMAGE_UNREACHABLE', /no such host/),
    );
  });
});

describe('an address that is not public', () => {
  test.each([
    'http://127.0.0.1/a.png',
    'http://2130706433/a.png',
    'http://0x7f.1/a.png',
    'http://017700000001/a.png',
    'http://127.1/a.png',
    'http://0/a.png',
    'http://[::1]/a.png',
    'http://[::ffff:127.0.0.1]/a.png',
    'http://[::ffff:a9fe:a9fe]/latest/meta-data',
    'http://169.254.169.254/latest/meta-data',
    'https://192.168.1.1/a.png',
  ])('is refused as a literal, before any connection: %s', async (source) => {
    let connections = 0;
    /** Goes nowhere, whatever is asked of it. */
    const makeConnector: FetchOptions['makeConnector'] = () => (_options, callback) => {
      connections++;
      callback(new Error('connected'), null);
    };
    await expect(fetchOnce(source, { allowPrivate: false, makeConnector })).rejects.toEqual(
      fails('IMAGE_FORBIDDEN', /is not a public address/),
    );
    expect(connections).toBe(0);
  });

  test('is refused behind a name, also the name of this machine', async () => {
    const port = base.split(':')[2];
    const asked = requests.length;
    await expect(fetchOnce(`http://localhost:${port}/ok`, { allowPrivate: false })).rejects.toEqual(
      fails('IMAGE_FORBIDDEN', /^Will not fetch http:\/\/localhost.*(127\.0\.0\.1|::1).* is not a public address/),
    );
    const lookup = resolver({ 'rebound.test': ['10.0.0.7', '::1'] });
    await expect(
      fetchOnce(`http://rebound.test:${port}/ok`, {
        allowPrivate: false,
        lookup,
      }),
    ).rejects.toEqual(fails('IMAGE_FORBIDDEN', /10\.0\.0\.7, ::1 is not a public address/));
    expect(requests).toHaveLength(asked);
  });

  test('is never connected to: not one of a cloud\u2019s platform behind a name, not one outside the list of hosts', async () => {
    const connected: string[] = [];
    /** Looks the name up as the real one does, and then goes to this test's own server. */
    const makeConnector: FetchOptions['makeConnector'] = ({ lookup }) => {
      const connect = buildConnector({});
      return (options, callback) =>
        lookup(options.hostname, { all: true }, (error, found) => {
          if (error) return callback(error, null);
          connected.push(...(found as { address: string }[]).map(({ address }) => address));
          connect({ ...options, hostname: '127.0.0.1', port: base.split(':')[2] as string }, callback);
        });
    };
    const names = { 'azure.test': ['168.63.129.16'], 'aws.test': ['fd00:ec2::254'], 'shop.test': ['8.8.8.8'] };
    const options = { makeConnector, lookup: resolver(names), allowPrivate: false };
    for (const host of ['azure.test', 'aws.test'])
      await expect(fetchOnce(`http://${host}/ok`, options)).rejects.toEqual(fails('IMAGE_FORBIDDEN', /not a public/));
    const hosts = ['img.shop.test', '*.cdn.test'];
    await expect(fetchOnce('http://shop.test/ok', { ...options, hosts })).rejects.toEqual(
      fails('IMAGE_FORBIDDEN', /shop.test is not one of SIMILI_IMAGE_HOSTS/),
    );
    expect(connected).toEqual([]);
    expect(await fetchOnce('http://shop.test/ok', { ...options, hosts: ['shop.test'] })).toEqual(BODY);
    expect(connected).toEqual(['8.8.8.8']);
  });

  test('is left out when the name has a public one too', async () => {
    const lookup = resolver({ 'shop.test': ['10.0.0.7', '127.0.0.1'] });
    expect(
      await fetchOnce(base.replace('127.0.0.1', 'shop.test').concat('/ok'), {
        ...guarded,
        lookup,
      }),
    ).toEqual(BODY);
  });

  test('is refused after a redirect, as a literal and behind a name', async () => {
    const lookup = resolver({ 'inside.test': ['192.168.0.1'] });
    for (const path of ['/private', '/private-name']) {
      await expect(fetchOnce(base + path, { ...guarded, lookup })).rejects.toEqual(
        fails(
          'IMAGE_FORBIDDEN',
          /^Will not fetch http:\/\/127.0.0.1:\d+\/private.*: 1(27\.0\.0\.2|92\.168\.0\.1) is not a public address/,
        ),
      );
    }
  });
});

test.each([
  ['ftp://shop.test/a.png', /ftp: is not http: or https:/],
  ['file:///etc/passwd', /file: is not http/],
  ['data:image/png;base64,AAAA', /data: is not http/],
  ['http://user:secret@shop.test/a.png', /carries a user name or a password/],
  ['pictures/a.png', /neither an absolute path nor a URL/],
  ['', /neither an absolute path nor a URL/],
])('refuses %s', async (source, why) => {
  await expect(fetchOnce(source)).rejects.toEqual(fails('IMAGE_FORBIDDEN', why));
});

test('a redirect cannot leave http or bring a password', async () => {
  await expect(fetchOnce(`${base}/file`)).rejects.toEqual(fails('IMAGE_FORBIDDEN', /file: is not http/));
  await expect(fetchOnce(`${base}/password`)).rejects.toEqual(fails('IMAGE_FORBIDDEN', /a user name or a password/));
});

describe('from disk', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'simili-fetch-'));
    await writeFile(join(dir, 'a.png'), BODY);
    execFileSync('mkfifo', [join(dir, 'fifo')]);
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('follows no link, at the end or above, and tells an unchanged file without reading it', async () => {
    await symlink(join(dir, 'a.png'), join(dir, 'link.png'));
    await mkdir(join(dir, 'real'));
    await writeFile(join(dir, 'real', 'b.png'), BODY);
    await symlink(join(dir, 'real'), join(dir, 'linked'));
    await expect(fetchOnce(join(dir, 'link.png'))).rejects.toEqual(fails('IMAGE_FORBIDDEN', /it is a link/));
    await expect(fetchOnce(join(dir, 'linked/b.png'))).rejects.toEqual(fails('IMAGE_FORBIDDEN', /a link leads to/));
    const fetcher = openPictureFetcher(limits);
    const { revision } = await fetcher.fetch(join(dir, 'real/b.png'));
    expect(await fetcher.fetch(join(dir, 'real/b.png'), undefined, revision)).toBeNull();
    await utimes(join(dir, 'real/b.png'), 5, 5);
    expect(await fetcher.fetch(join(dir, 'real/b.png'), undefined, revision)).toMatchObject({ bytes: BODY });
    await fetcher.close();
  });

  test('reads a file of at most the byte limit', async () => {
    expect(await fetchOnce(join(dir, 'a.png'), { maxBytes: 5000 })).toEqual(BODY);
    await expect(fetchOnce(join(dir, 'a.png'), { maxBytes: 4999 })).rejects.toEqual(fails('IMAGE_TOO_LARGE', /4999/));
  });

  test.each([
    ['missing.png', /there is no such file/],
    ['a.png/b.png', /there is no such file/],
    ['', /it is a folder/],
    ['fifo', /it is not a file/],
  ])('says why it cannot read "%s"', async (name, why) => {
    await expect(fetchOnce(join(dir, name))).rejects.toEqual(fails('IMAGE_UNREADABLE', why));
  });
});
