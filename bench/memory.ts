import { readFile } from 'node:fs/promises';
import { trainingRequest } from '../test/support/training-request.ts';
import { openHost } from '../workers/hosts/rpc.ts';
import type { EngineHostApi, TrainingRequest } from '../workers/training/protocol.ts';
import { generatedFeatures, generatedSet } from './generated-set.ts';
import { temporaryDir } from './running.ts';

const SIZES = [1e4, 1e5, 1e6];
const CATEGORY = 100;
/** Long enough to touch more pictures than are kept in memory. */
const STEPS = 150;
/** Most memory of the trainer process, without its model. */
const LIMIT_MB = 1500;

type Row = Record<string, string | number>;

/** `head`: what continuous training trains by default, on stored features. `catalog`: the network, on pixels. */
const RECIPES = ['head', 'catalog'] as const;

/** Resident memory of a trainer process as the catalog grows from 10^4 to 10^6 items, at its highest (Linux only). */
export async function memory(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const recipe of RECIPES) {
    for (const items of SIZES) {
      const dir = await temporaryDir(); // a million products have 5.4 GB of features
      try {
        const row = await rowOf(dir.path, items, recipe);
        process.stderr.write(`${JSON.stringify(row)}\n`); // the last ones take long
        rows.push(row);
      } finally {
        await dir.remove();
      }
    }
  }
  return rows;
}

async function rowOf(dir: string, items: number, recipe: (typeof RECIPES)[number]): Promise<Row> {
  // Few files, but each item is a picture of its own to whoever trains.
  const pixels = await generatedSet(dir, { items, categories: items / CATEGORY, sides: [64], pictures: 2000 });
  const set = recipe === 'head' ? { ...pixels, ...(await generatedFeatures(dir, pixels)) } : pixels;
  const host = openHost<EngineHostApi>(new URL('../workers/training/engine-host.ts', import.meta.url), {
    label: 'the trainer',
  });
  const request: TrainingRequest = trainingRequest(set, { recipe, steps: STEPS, checkpointSeconds: 10 });
  const since = performance.now();
  try {
    const { artefact } = await host.call('train', request);
    const peak = await peakMb(host.pid!);
    const model = artefact.length / 2 ** 20;
    return {
      recipe,
      items,
      steps: STEPS,
      seconds: Math.round((performance.now() - since) / 1000),
      peakMb: Math.round(peak),
      modelMb: Number(model.toFixed(1)),
      limitMb: LIMIT_MB,
      met: peak - model <= LIMIT_MB ? 'yes' : 'NO',
    };
  } finally {
    await host.close();
  }
}

/** Highest resident set of a process since its start. */
async function peakMb(pid: number): Promise<number> {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kilobytes) / 1024;
}
