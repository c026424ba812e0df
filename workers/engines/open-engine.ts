import { SimiliError } from '../../src/errors.ts';
import type { NetworkSpec, Weights } from '../../src/learning/network/spec.ts';
import type { Engine, EngineOptions, OpenEngine } from './engine.ts';

export type Choice = 'auto' | 'onnx' | 'tensorflow';
/** `reason`: one sentence for logs and for whoever watches the job: what runs, and why nothing better does. */
export type Opened = { engine: Engine; reason: string };

/** Loaded when its turn comes: an engine that is not chosen is never loaded. */
export type Candidate = { name: string; load: () => Promise<OpenEngine> };

const tensorflowOnGpu: Candidate = {
  name: 'tensorflow on a GPU',
  load: async () => (await import('./tensorflow/index.ts')).openTensorflowGpuEngine,
};
const tensorflow: Candidate = {
  name: 'tensorflow',
  load: async () => (await import('./tensorflow/index.ts')).openTensorflowEngine,
};
const onnx: Candidate = { name: 'onnx', load: async () => (await import('./onnx/index.ts')).openOnnxEngine };

/** In order of preference: a GPU is many times faster; on a CPU ONNX Runtime is. */
const candidatesOf: Record<Choice, readonly Candidate[]> = {
  auto: [tensorflowOnGpu, onnx, tensorflow],
  onnx: [onnx],
  tensorflow: [tensorflowOnGpu, tensorflow],
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
  candidates: readonly Candidate[] = candidatesOf[choice],
): Promise<Opened> {
  const refusals: string[] = [];
  for (const { name, load } of candidates) {
    try {
      const engine = await (await load())(spec, weights, options);
      if (!requireGpu || engine.onGpu) return { engine, reason: reasonFor(engine, refusals) };
      refusals.push(`${name}: runs on ${engine.device}, and a GPU is required`);
      await engine.dispose();
    } catch (error) {
      refusals.push(`${name}: ${inShort(error)}`);
    }
  }
  throw new SimiliError('ENGINE_UNAVAILABLE', { engine: choice, why: refusals.join('; ') });
}

/** Its first words: the rest names files of this machine, and the reason is shown to people elsewhere. */
function inShort(error: unknown): string {
  const why =
    error instanceof SimiliError && 'why' in Object(error.facts)
      ? (error as SimiliError<'ENGINE_UNAVAILABLE'>).facts.why
      : (error as Error).message;
  return why.split(/[:;\n]/, 1)[0] ?? why;
}

function reasonFor({ name, device }: Engine, refusals: readonly string[]): string {
  return `${name} on ${device}${refusals.length > 0 ? ` (${refusals.join('; ')})` : ''}`;
}
