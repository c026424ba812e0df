import { type EngineId, engineIds, engines } from '@simili/worker/engines/engines';
import { type Choice, candidatesFor, refusalOfDevice } from '@simili/worker/engines/open-engine';
import { type Probe, probeSpeed } from '@simili/worker/engines/probe';
import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { jsonOption } from '../options.ts';

export type Diagnosis = {
  engines: {
    name: EngineId;
    title: string;
    available: boolean;
    /** Device that it runs on, or why it does not run. */
    device: string;
    onGpu: boolean;
    /** Images per second of the preset tiny; null where it is not available. */
    trainPerSecond: number | null;
    embedPerSecond: number | null;
  }[];
  /** Engine of a worker with this configuration; null: none. */
  chosen: EngineId | null;
  /** Why, or why none. */
  reason: string;
};

export const doctor = defineCommand({
  args: jsonOption,
  async run({ args }) {
    const config = loadConfig();
    const say = (text: string) => void process.stderr.write(args.json ? '' : text);
    const found = new Map<EngineId, Probe>();
    // One after the other, so that none takes another's cores.
    for (const id of engineIds) {
      say(`trying ${engines[id].title} ...\n`);
      found.set(id, await probeSpeed(id, config.SIMILI_THREADS));
    }
    const diagnosis = diagnose(found, config.SIMILI_ENGINE, config.SIMILI_REQUIRE_GPU);
    process.stdout.write(args.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : `${tableOf(diagnosis)}\n`);
    if (diagnosis.chosen === null) process.exitCode = 1;
  },
});

/** Diagnosis for a worker of this configuration, from the probes of all engines. */
export function diagnose(found: ReadonlyMap<EngineId, Probe>, choice: Choice, requireGpu: boolean): Diagnosis {
  const rows = [...found].map(([name, probe]) => ({
    name,
    title: engines[name].title,
    available: probe.works,
    device: probe.works ? probe.device : probe.why,
    onGpu: probe.works && probe.onGpu,
    trainPerSecond: (probe.works && probe.speed?.train) || null,
    embedPerSecond: (probe.works && probe.speed?.embed) || null,
  }));
  const refusals: string[] = [];
  for (const candidate of candidatesFor(choice)) {
    const name = candidate.name as EngineId;
    const probe = found.get(name);
    if (!probe) continue;
    const why = probe.works ? refusalOfDevice(probe, candidate, requireGpu) : probe.why;
    if (why === null) return { engines: rows, chosen: name, reason: reasonFor(choice, requireGpu, refusals) };
    refusals.push(`${name}: ${why}`);
  }
  return { engines: rows, chosen: null, reason: refusals.join('; ') };
}

function reasonFor(choice: Choice, requireGpu: boolean, refusals: readonly string[]): string {
  const asked = choice === 'auto' ? 'the first that works, GPUs before CPUs' : `SIMILI_ENGINE=${choice}`;
  const gpu = requireGpu ? ', on a GPU as SIMILI_REQUIRE_GPU says' : '';
  return `${asked}${gpu}${refusals.length > 0 ? ` (${refusals.join('; ')})` : ''}`;
}

/** The diagnosis for a terminal. */
export function tableOf({ engines: rows, chosen, reason }: Diagnosis): string {
  const cells = [
    ['engine', 'train/s', 'embed/s', 'runs on, or why not'],
    ...rows.map(({ title, trainPerSecond, embedPerSecond, device }) => [
      title,
      rounded(trainPerSecond),
      rounded(embedPerSecond),
      device,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map(([title = '', train = '', embed = '', device = '']) => {
    return `${title.padEnd(widths[0] ?? 0)}  ${train.padStart(widths[1] ?? 0)}  ${embed.padStart(widths[2] ?? 0)}  ${device}`;
  });
  const verdict = chosen ? `A worker takes ${engines[chosen].title}: ${reason}.` : `No worker can run: ${reason}.`;
  return [...lines, '', verdict].join('\n');
}

/** Images per second of the preset tiny: two digits are all that a few seconds tell. */
function rounded(perSecond: number | null): string {
  return perSecond === null ? '-' : String(Number(perSecond.toPrecision(2)));
}
