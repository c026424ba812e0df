import { backbonePathOf } from '@simili/learning/network/shapes';
import type { NetworkSpec, Weights } from '@simili/learning/network/spec';
import type { EngineOptions } from './engine.ts';
import { type Choice, type Opened, openEngine } from './open-engine.ts';
import { withBackbone } from './with-backbone.ts';

/**
 * The one way to open an engine for a network that somebody configured, trained or stored: as `openEngine`, with the
 * network's backbone in front of it where its spec has one.
 * @throws SimiliError ENGINE_UNAVAILABLE, IMPORT_UNREADABLE; Error when the backbone is missing or another one.
 */
export async function openNetworkEngine(
  choice: Choice,
  { requireGpu }: { requireGpu: boolean },
  spec: NetworkSpec,
  weights: Weights,
  { backbone, ...options }: EngineOptions & { backbone: Uint8Array | null },
): Promise<Opened> {
  const wanted = backbonePathOf(spec) !== null;
  if (wanted && !backbone) throw new Error(`Network ${spec.name} needs its backbone`);
  const opened = await openEngine(choice, { requireGpu }, spec, weights, options);
  if (!wanted || !backbone) return opened;
  try {
    const engine = await withBackbone(opened.engine, backbone, spec, options);
    return { ...opened, engine, reason: `${opened.reason}, its backbone on cpu` };
  } catch (error) {
    await opened.engine.dispose();
    throw error;
  }
}
