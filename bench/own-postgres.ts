import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Postgres server that nobody else uses, on loopback: it may be brought down. Its data is deleted when it is disposed of. */
export type OwnPostgres = AsyncDisposable & {
  url: string;
  /** 'immediate': every process ends at once, as in a crash, and the log is replayed. @param between done while it is down */
  restart(mode: 'fast' | 'immediate', between?: () => Promise<void>): Promise<void>;
};

/**
 * Starts one with what initdb sets: every commit is on the disk before it is acknowledged.
 * @throws Error where no programs of a server are: /usr/lib/postgresql, or PG_BIN
 */
export async function ownPostgres(): Promise<OwnPostgres> {
  const bin = process.env.PG_BIN ?? (await debianPrograms());
  const folder = await mkdtemp(join(tmpdir(), 'simili-postgres-'));
  await chmod(folder, 0o711);
  const data = join(folder, 'data');
  // Postgres does not run as root.
  const isRoot = process.getuid?.() === 0;
  const as = async (program: string, ...args: string[]) => {
    const all = [join(bin, program), ...args];
    const options = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
    await (isRoot ? run('runuser', ['-u', 'postgres', '--', ...all], options) : run(all[0]!, all.slice(1), options));
  };
  const control = (...args: string[]) => as('pg_ctl', '-D', data, '-w', '-l', join(data, 'server.log'), ...args);
  if (isRoot) await run('install', ['-d', '-o', 'postgres', '-m', '0700', data]);
  await as('initdb', '-D', data, '-U', 'simili', '-A', 'trust', '-E', 'UTF8');
  const port = await freePort();
  const settings = `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\nmax_connections = 100\ndynamic_shared_memory_type = mmap\n`;
  await appendFile(join(data, 'postgresql.conf'), settings);
  await control('start');
  return {
    url: `postgresql://simili@127.0.0.1:${port}/postgres`,
    async restart(mode, between) {
      await control('stop', '-m', mode);
      await between?.();
      await control('start');
    },
    async [Symbol.asyncDispose]() {
      await control('stop', '-m', 'immediate');
      await rm(folder, { recursive: true });
    },
  };
}

async function debianPrograms(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (!newest)
    throw new Error(`No ${root}: set PG_BIN to the folder with initdb and pg_ctl, of a server with pgvector`);
  return join(root, newest, 'bin');
}

/** A fixed one: a server that comes back has the address that it had. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
