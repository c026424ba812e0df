import { pathToFileURL } from 'node:url';
import type { OpenEngine } from './engine.ts';
import { type EngineId, engines } from './engines.ts';
import type { Probe } from './probe.ts';
import { measureSpeed } from './probe-speed.ts';
import { checkEngine } from './probe-step.ts';
import { inShort } from './why.ts';

/** Child process of `probe`: tries the engine of its first argument; the second, if any, are the threads to measure with. */
const [name = '', threads] = process.argv.slice(2);

async function load(): Promise<OpenEngine> {
  const entry = engines[name as EngineId];
  // Anything else is a file with an `open` of its own: tests bring engines that crash.
  return entry ? entry.load() : (await import(pathToFileURL(name).href)).open;
}

async function probe(): Promise<Probe> {
  try {
    const open = await load();
    const { device, onGpu } = await checkEngine(open);
    return { works: true, device, onGpu, speed: threads ? await measureSpeed(open, Number(threads)) : null };
  } catch (error) {
    return { works: false, why: inShort(error) };
  }
}

const answer = await probe();
process.send?.(answer, () => process.exit(0));
