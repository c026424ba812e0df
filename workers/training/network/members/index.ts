import type { BatchPlan } from '@simili/learning/batches/batch';
import type { Weights } from '@simili/learning/network/spec';
import type { Engine, LossGradients } from '../../../engines/engine.ts';
import type { Computing, EngineChoice } from '../../protocol.ts';
import { openLocalMember, openMemberEngine } from './local.ts';
import type { Member, MemberOptions } from './member.ts';
import { openRemoteMember } from './remote.ts';

/**
 * The engine processes of one training on one machine: synchronous data-parallel SGD (the paper, section 4, spreads its
 * SGD over machines, asynchronously). Every member computes a batch of its own; their gradients are averaged.
 */
export type Members = {
  readonly count: number;
  /** Engine and device, for people. */
  readonly reason: string;
  /** In this process, for embeddings between two steps; its weights are whatever was set last. */
  readonly engine: Engine;
  /** One plan each. */
  prepare(plans: readonly BatchPlan[]): void;
  /** Means over the members. @throws SimiliError ENGINE_CRASHED when one of them ends. */
  gradients(weights: Weights): Promise<LossGradients>;
  close(): Promise<void>;
};

/**
 * A single member computes in this process. Several are children: an engine blocks the process that it runs in, and this
 * one has weights to send and gradients to receive.
 * @throws SimiliError ENGINE_UNAVAILABLE
 */
export async function openMembers(
  { processes: count, engine: asked, requireGpu, threads, gpus }: Computing,
  work: Omit<MemberOptions, keyof EngineChoice>,
): Promise<Members> {
  const options = { ...work, engine: asked, requireGpu, threads, gpus };
  const { engine, reason, chosen } = await openMemberEngine(options);
  try {
    const members =
      count === 1 ? [openLocalMember(engine, options)] : await openChildren(count, { ...options, engine: chosen });
    return {
      count,
      reason: count === 1 ? reason : `${count} processes, each ${reason}`,
      engine,
      prepare: (plans) => {
        members.forEach((member, i) => {
          member.prepare(plans[i]!);
        });
      },
      gradients: async (weights) => meanOf(await Promise.all(members.map((member) => member.gradients(weights)))),
      async close() {
        await closeAll(members);
        await engine.dispose();
      },
    };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

async function openChildren(count: number, options: MemberOptions): Promise<Member[]> {
  const opening = Array.from({ length: count }, (_, i) =>
    openRemoteMember(`trainer member ${i + 1}`, { ...options, gpus: options.gpus.slice(i, i + 1) }),
  );
  const settled = await Promise.allSettled(opening);
  const opened = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (!failed) return opened;
  await closeAll(opened);
  throw failed.reason;
}

const closeAll = async (members: readonly Member[]): Promise<void> => {
  await Promise.all(members.map((member) => member.close()));
};

/** Into the first one's arrays. */
function meanOf(parts: readonly LossGradients[]): LossGradients {
  const [first, ...others] = parts as [LossGradients, ...LossGradients[]];
  if (others.length === 0) return first;
  const mean = (pick: (part: LossGradients) => number) =>
    parts.reduce((sum, part) => sum + pick(part), 0) / parts.length;
  const loss = mean((part) => part.loss);
  const activeShare = mean((part) => part.activeShare);
  for (const kind of ['gradients', 'statistics'] as const) {
    for (const [name, { data }] of Object.entries(first[kind])) {
      const rest = others.map((other) => other[kind][name]!.data);
      for (let i = 0; i < data.length; i++) {
        let sum = data[i]!;
        for (const values of rest) sum += values[i]!;
        data[i] = sum / parts.length;
      }
    }
  }
  return { ...first, loss, activeShare };
}
