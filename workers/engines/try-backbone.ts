import { initialWeights } from '@simili/learning/network/initial-weights';
import type { NetworkSpec } from '@simili/learning/network/spec';
import { makeRandom } from '@simili/learning/numbers/random';
import { SimiliError } from 'simili/internal/errors';
import { type BackboneFile, backboneSpec, inspectBackbone } from './backbone.ts';
import { openNetworkEngine } from './open-network.ts';

export type TriedBackbone = {
  readonly file: BackboneFile;
  /** The network that it becomes in front of the base. */
  readonly spec: NetworkSpec;
  /** A picture, on one core. */
  readonly milliseconds: number;
};

const PICTURES = 4;

/**
 * Runs an ONNX file as a backbone, with an untrained head: what a file says is not yet what it does. A hostile one may
 * never end, take any memory or break the process.
 * @param source what an error calls it.
 * @throws SimiliError IMPORT_UNREADABLE, MODEL_TOO_COSTLY
 */
export async function tryBackbone(bytes: Uint8Array, base: NetworkSpec, source: string): Promise<TriedBackbone> {
  const file = inspectBackbone(bytes, source);
  try {
    const spec = backboneSpec(base, file);
    return { file, spec, milliseconds: await timeOnePicture(bytes, spec) };
  } catch (error) {
    const why = whyOf(error);
    if (/bad_alloc|failed to allocate|allocation failed|out of memory/i.test(why))
      throw new SimiliError('MODEL_TOO_COSTLY', { source, why: 'running it takes too much memory' });
    throw new SimiliError('IMPORT_UNREADABLE', { source, why });
  }
}

/** One line of it: what the runtime says is of many. */
function whyOf(error: unknown): string {
  const facts = error instanceof SimiliError ? (error.facts as { why?: string } | undefined) : undefined;
  return (facts?.why ?? (error instanceof Error ? error.message : String(error))).split('\n', 1)[0] ?? '';
}

async function timeOnePicture(backbone: Uint8Array, spec: NetworkSpec): Promise<number> {
  const weights = initialWeights(spec, makeRandom(1));
  const { engine } = await openNetworkEngine('onnx', { requireGpu: false }, spec, weights, {
    batch: 3,
    threads: 1,
    backbone,
  });
  try {
    const pictures = new Float32Array(PICTURES * spec.inputSize ** 2 * 3);
    await engine.embed(pictures, PICTURES);
    const since = performance.now();
    await engine.embed(pictures, PICTURES);
    return (performance.now() - since) / PICTURES;
  } finally {
    await engine.dispose();
  }
}
