import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import { SimiliError } from 'simili/internal/errors';
import { engineChoices } from 'simili/internal/training-names';
import type { Engine, EngineOptions, OpenEngine } from './engine.ts';
import { type EngineId, engines, gpuEngineIds } from './engines.ts';
import { type Probe, probe } from './probe.ts';
import { inShort } from './why.ts';

/** Value of SIMILI_ENGINE. */
export type Choice = (typeof engineChoices)[number];
export type Opened = {
  engine: Engine;
  /** For logs and for whoever watches the job: what runs. Why nothing better does is told by `simili doctor`. */
  reason: string;
  /** Choice by which another process gets the same without looking for it again. */
  chosen: Choice;
};

export type Candidate = {
  readonly name: string;
  /** Loaded when its turn comes: an engine that is not chosen is never loaded. */
  readonly load: () => Promise<OpenEngine>;
  /** Tries it elsewhere first; absent: it is opened and seen. */
  readonly probe?: () => Promise<Probe>;
  /** Only where it runs on a GPU: on a CPU another is faster. */
  readonly gpuOnly?: boolean;
};

const plain = (id: EngineId): Candidate => ({ name: id, load: engines[id].load });
const probed = (id: EngineId): Candidate => ({ ...plain(id), probe: () => probe(id), gpuOnly: engines[id].gpuOnly });

/**
 * In order of preference: a GPU is many times faster; on a CPU ONNX Runtime is. What was asked for by name is not probed:
 * there is nothing to choose. JavaScript cannot crash its process.
 */
export const candidatesFor = (choice: Choice): readonly Candidate[] => {
  switch (choice) {
    case 'auto':
      return [...gpuEngineIds.map(probed), probed('onnx'), plain('tensorflow-javascript')];
    case 'tensorflow':
      return [
        ...gpuEngineIds.filter((id) => id.startsWith('tensorflow')).map(probed),
        probed('tensorflow-native'),
        plain('tensorflow-javascript'),
      ];
    default:
      return [plain(choice)];
  }
};

/**
 * The best engine that this machine has, or the one that was asked for.
 * @throws SimiliError ENGINE_UNAVAILABLE with the reason of every candidate, also when a GPU is required and none is there.
 */
export async function openEngine(
  choice: Choice,
  { requireGpu }: { requireGpu: boolean },
  spec: NetworkSpec,
  weights: Weights,
  options: EngineOptions,
  candidates: readonly Candidate[] = candidatesFor(choice),
): Promise<Opened> {
  // All at once: each waits for its driver most of the time, and a later one is needed where an earlier one fails.
  for (const candidate of candidates) void candidate.probe?.();
  const refusals: string[] = [];
  for (const candidate of candidates) {
    const why = await refusalOf(candidate, requireGpu);
    if (why !== null) {
      refusals.push(`${candidate.name}: ${why}`);
      continue;
    }
    try {
      const engine = await (await candidate.load())(spec, weights, options);
      const unwanted = refusalOfDevice(engine, candidate, requireGpu);
      const chosen = engineChoices.find((name) => name === candidate.name) ?? choice;
      if (unwanted === null) return { engine, reason: `${engine.name} on ${engine.device}`, chosen };
      refusals.push(`${candidate.name}: ${unwanted}`);
      await engine.dispose();
    } catch (error) {
      refusals.push(`${candidate.name}: ${inShort(error)}`);
    }
  }
  throw new SimiliError('ENGINE_UNAVAILABLE', { engine: choice, why: refusals.join('; ') });
}

/** Why its probe speaks against it; null where nothing does. */
export async function refusalOf(candidate: Candidate, requireGpu: boolean): Promise<string | null> {
  const found = await candidate.probe?.();
  if (!found) return null;
  return found.works ? refusalOfDevice(found, candidate, requireGpu) : found.why;
}

export function refusalOfDevice(
  { device, onGpu }: Pick<Engine, 'device' | 'onGpu'>,
  { gpuOnly = false }: Pick<Candidate, 'gpuOnly'>,
  requireGpu: boolean,
): string | null {
  if (onGpu) return null;
  if (requireGpu) return `runs on ${device}, and a GPU is required`;
  return gpuOnly ? `runs on ${device}, which is no GPU` : null;
}
