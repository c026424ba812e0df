import type { BatchPlan } from '@simili/learning/batches/batch';
import type { Weights } from '@simili/learning/network/spec';
import type { LossGradients } from '../../../engines/engine.ts';
import { serveHost } from '../../../hosts/serve.ts';
import { openLocalMember, openMemberEngine } from './local.ts';
import type { Member, MemberOptions } from './member.ts';

/** Calls of a trainer to a child process that computes gradients. */
export type GradientHostApi = {
  open(options: MemberOptions): Promise<void>;
  prepare(plan: BatchPlan): Promise<void>;
  gradients(weights: Weights): Promise<LossGradients>;
};

let member: Member | null = null;
const opened = (): Member => {
  if (!member) throw new Error('Nothing was opened');
  return member;
};

serveHost({
  async open(options: MemberOptions) {
    const [gpu] = options.gpus;
    // biome-ignore lint/style/noProcessEnv: set, not read; CUDA looks at it when the engine is loaded, a line further on
    if (gpu !== undefined) process.env.CUDA_VISIBLE_DEVICES = gpu;
    const { engine } = await openMemberEngine(options);
    member = openLocalMember(engine, options);
  },
  async prepare(plan: BatchPlan) {
    opened().prepare(plan);
  },
  async gradients(weights: Weights) {
    return opened().gradients(weights);
  },
} satisfies GradientHostApi);
