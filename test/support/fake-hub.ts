import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Starts a hub that has one model of one commit; large files (LFS) are those of .onnx, and lie behind a redirection. */
export async function startFakeHub(id: string, files: Record<string, Uint8Array>, card: object = { license: 'mit' }) {
  const state = {
    /** Path and Range of every file that was asked for. */
    asked: [] as { path: string; range: string | undefined }[],
    /** Bytes of the answers after which one waits for `cut`, which breaks it; 0: it breaks at once. */
    breaks: [] as number[],
    cut: () => {},
    ignoresRange: false,
    /** Sent in place of what is listed. */
    instead: {} as Record<string, Uint8Array>,
    status: 200,
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://hub').pathname);
    const json = (value: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (state.status !== 200) return response.writeHead(state.status).end();
    if (path === `/api/models/${id}/revision/main`) return json({ id, sha: COMMIT, cardData: card });
    if (path === `/api/models/${id}/tree/${COMMIT}`) return json(Object.entries(files).map(entryOf));
    const resolve = `/${id}/resolve/${COMMIT}/`;
    if (path.startsWith(resolve))
      return response.writeHead(302, { location: `/cdn/${path.slice(resolve.length)}` }).end();
    const name = path.replace(/^\/cdn\//, '');
    const content = state.instead[name] ?? files[name];
    if (!path.startsWith('/cdn/') || !content) return response.writeHead(404).end();
    const { range } = request.headers;
    state.asked.push({ path: name, range });
    const from = state.ignoresRange ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const head = { 'content-length': content.length - from };
    const of = `bytes ${from}-${content.length - 1}/${content.length}`;
    if (from > 0) response.writeHead(206, { ...head, 'content-range': of });
    else response.writeHead(200, head);
    const until = state.breaks.shift();
    if (until === undefined || until >= content.length - from) return response.end(content.subarray(from));
    if (until === 0) return response.destroy();
    state.cut = () => void response.destroy();
    return response.write(content.subarray(from, from + until));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function entryOf([path, content]: [string, Uint8Array]) {
  const git = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  const size = content.length;
  if (!path.endsWith('.onnx')) return { type: 'file', path, size, oid: git };
  return { type: 'file', path, size, oid: git, lfs: { oid: createHash('sha256').update(content).digest('hex'), size } };
}
