import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshPostgresDatabase, postgresUrl, redisUrl } from '../test/support/services.ts';
import { until } from '../test/support/until.ts';
import { ask, KEY, runCommand, startCommand, temporaryDir } from './running.ts';

type Running = Awaited<ReturnType<typeof startCommand>>;
type Row = Record<string, string | number>;
const EVERY_MS = 200;
const QUERIES = 200;

/**
 * Resident memory of an API node and of a worker with its child processes, on Postgres and Redis with the demo catalog: idle, and the
 * highest while a head and while a network is trained (Linux only).
 */
export async function processes(): Promise<Row[]> {
  const dir = await temporaryDir();
  await using database = await freshPostgresDatabase(postgresUrl());
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    SIMILI_DATA_DIR: dir.path,
    SIMILI_RETRAIN_CHOICES: '1000000', // trainings are asked for here
  };
  await runCommand(['migrate'], env);
  await runCommand(['import', 'demo/catalog.jsonl'], env);
  const api = await startCommand(['serve'], /Listening on (\S+)/, env);
  const worker = await startCommand(['worker'], /Working on/, env);
  try {
    return await measured(api, worker);
  } finally {
    await worker.stop();
    await api.stop();
    await dir.remove();
  }
}

async function measured(api: Running, worker: Running): Promise<Row[]> {
  const started = await memoryOf(api, worker);
  await until(async () => (await jobsOf(api)).find(({ state }) => state === 'SUCCEEDED'), 600); // the first head
  for (let i = 0; i < QUERIES; i++) await ask(`${api.url}/graphql`, '{ similarItems(id: "pizza") { status } }');
  const idle = await memoryOf(api, worker);
  const head = await highestInTraining(api, worker, 'head');
  const network = await highestInTraining(api, worker, 'catalog');
  return [...started.keys(), ...idle.keys(), ...head.keys(), ...network.keys()]
    .filter((name, i, all) => all.indexOf(name) === i)
    .map((name) => {
      const mb = (of: Memory) => of.get(name) ?? '';
      return {
        process: name,
        started: mb(started),
        idle: mb(idle),
        trainingAHead: mb(head),
        trainingANetwork: mb(network),
      };
    });
}

type Job = { id: string; state: string };
const jobsOf = async (api: Running): Promise<Job[]> =>
  (await ask(`${api.url}/admin/graphql`, '{ jobs(first: 5) { id state } }', KEY)).jobs;

async function highestInTraining(api: Running, worker: Running, recipe: string): Promise<Memory> {
  const mutation = `mutation { retrain(input: { recipe: "${recipe}", seconds: 60 }) { job { id } userErrors { code } } }`;
  const { retrain } = await ask(`${api.url}/admin/graphql`, mutation, KEY);
  if (!retrain.job) throw new Error(`no training of ${recipe}: ${JSON.stringify(retrain.userErrors)}`);
  const highest: Memory = new Map();
  for (;;) {
    for (const [name, mb] of await memoryOf(api, worker)) highest.set(name, Math.max(mb, highest.get(name) ?? 0));
    const job = (await jobsOf(api)).find(({ id }) => id === retrain.job.id);
    if (job?.state === 'SUCCEEDED') return highest;
    if (job?.state === 'FAILED') throw new Error(`the training of ${recipe} failed`);
    await sleep(EVERY_MS);
  }
}

/** Megabytes that are resident now, by process; children of a worker that run the same script are told together. */
type Memory = Map<string, number>;

async function memoryOf(api: Running, worker: Running): Promise<Memory> {
  const found: Memory = new Map([
    ['simili serve', await residentMb(api.pid)],
    ['simili worker', await residentMb(worker.pid)],
  ]);
  let all = found.get('simili worker')!;
  for (const pid of await childrenOf(worker.pid)) {
    const [script, mb] = await Promise.all([scriptOf(pid), residentMb(pid)]).catch(() => [null, 0] as const); // gone meanwhile
    if (!script) continue;
    found.set(`its ${script}`, (found.get(`its ${script}`) ?? 0) + mb);
    all += mb;
  }
  found.set('worker and its processes', all);
  return found;
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}

const scriptOf = async (pid: number): Promise<string | null> =>
  /([\w-]+)\.js/.exec((await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' '))?.[1] ?? null;

/** All below it, whatever the depth: a training of two processes has children of its own. */
async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return [pid, Number(stat.split(') ')[1]?.split(' ')[1])] as const;
    }),
  );
  const own = parents.flatMap(([pid, above]) => (above === parent ? [pid] : []));
  return [...own, ...(await Promise.all(own.map(childrenOf))).flat()];
}
