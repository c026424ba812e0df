// @module-tag long-tests
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { type Host, openHost } from '../../workers/hosts/rpc.ts';
import type { EngineHostApi, TrainingEvent, TrainingRequest, TrainingResult } from '../../workers/training/protocol.ts';
import { builtFile } from '../support/built.ts';
import { trainingRequest } from '../support/training-request.ts';
import { drawnCatalog, writeTrainingSet } from '../support/training-set.ts';

/** Each costs the start of a process, a second of CPU. */
const KILLS = 5;

let dir: string;
let request: TrainingRequest;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-killed-'));
  const { set } = await writeTrainingSet(dir, drawnCatalog(12));
  request = trainingRequest(set, { recipe: 'catalog', steps: 16, checkpointSeconds: 0 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const openTrainer = (env = process.env as Record<string, string>) =>
  openHost<EngineHostApi>(pathToFileURL(builtFile('workers/training/engine-host')), {
    label: 'the trainer',
    env,
  });

const train = (host: Host<EngineHostApi>, checkpoint: Uint8Array | null, onEvent: (event: TrainingEvent) => void) =>
  host.call('train', { ...request, checkpoint }, { onEvent: (data) => onEvent(data as TrainingEvent) });

/** Processes that this one started: fields 1 and 4 of their stat are pid and parent. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === parent;
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}

/** Whether a process of this id is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test(`a trainer that is killed at ${KILLS} random moments ends bit for bit where one that nobody disturbs ends`, async () => {
  const calm = openTrainer();
  const straight = await train(calm, null, () => {});
  await calm.close();

  const random = makeRandom(20);
  const pids: number[] = [];
  let kept: Uint8Array | null = null;
  let kills = 0;
  // One in each fifth of the time that a few steps take: no part of it is left out by chance.
  const delay = () => (700 * (kills + random.next())) / KILLS;
  let result: TrainingResult | null = null;
  const host = openTrainer();
  while (!result) {
    let stop: NodeJS.Timeout | undefined;
    const attempt = train(host, kept, (event) => {
      if (event.type === 'checkpoint') kept = event.state;
      // From here on: the features are fitted and the steps run, a few of them in a second.
      if (kills < KILLS) stop ??= setTimeout(() => void host.kill(), delay());
    });
    pids.push(host.pid as number);
    result = await attempt.catch((error: { code?: string }) => {
      expect(error.code).toBe('ENGINE_CRASHED');
      kills++;
      return null;
    });
    clearTimeout(stop);
  }
  await host.close();
  expect(kills).toBe(KILLS);
  expect(Buffer.from(result.artefact).equals(Buffer.from(straight.artefact))).toBe(true);
  expect(pids.filter(isAlive)).toEqual([]);
}, 300_000);

test('a cancelled training of two processes stops within two steps and leaves no process and no file behind', async () => {
  const ownTemporary = join(dir, 'temporary'); // the machine's is shared with whatever else runs
  await mkdir(ownTemporary);
  const before = await readdir(dir, { recursive: true });
  // No CI variable, either: ONNX Runtime's telemetry, which keeps files too, would hold still for it.
  const host = openTrainer({ PATH: process.env.PATH as string, HOME: ownTemporary, TMPDIR: ownTemporary });
  const stop = new AbortController();
  let asked = false;
  let later = 0;
  let members: number[] = [];
  const running = host.call(
    'train',
    { ...request, processes: 2, steps: 10_000 },
    {
      signal: stop.signal,
      onEvent: (data) => {
        if ((data as TrainingEvent).type !== 'loss') return;
        if (asked) later++;
        if (asked) return;
        members = childrenOf(host.pid as number);
        asked = true;
        stop.abort(new Error('enough'));
      },
    },
  );
  await expect(running).rejects.toThrow('enough');
  expect(later).toBeLessThanOrEqual(2); // steps on their way of 10,000; one that does not listen is killed after 2 s (rpc.test.ts)
  expect(members.length).toBeGreaterThanOrEqual(2);
  await host.close();
  await expect.poll(() => members.filter(isAlive)).toEqual([]);
  expect((await readdir(dir, { recursive: true })).filter((name) => !before.includes(name))).toEqual([]);
});
