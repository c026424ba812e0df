import type { BatchPlan } from '@simili/learning/batches/batch';
import type { Engine, TrainingBatch } from '../../../engines/engine.ts';
import type { Opened } from '../../../engines/open-engine.ts';
import { openNetworkEngine } from '../../../engines/open-network.ts';
import { openBatchMaker } from './batch-maker.ts';
import type { Member, MemberOptions } from './member.ts';

/** The engine of a member, and what there is to say about it. @throws SimiliError ENGINE_UNAVAILABLE */
export const openMemberEngine = (options: MemberOptions): Promise<Opened> =>
  openNetworkEngine(options.engine, options, options.spec, options.weights, {
    batch: options.rows,
    threads: options.threads,
    backbone: options.backbone,
  });

/** A member in this process. The engine is the caller's to dispose. */
export function openLocalMember(engine: Engine, options: MemberOptions): Member {
  const maker = openBatchMaker(options);
  const prepared: { plan: BatchPlan; batch: Promise<TrainingBatch> }[] = [];
  return {
    prepare: (plan) => {
      prepared.push({ plan, batch: maker.make(plan) });
    },
    async gradients(weights) {
      const next = prepared.shift();
      if (!next) throw new Error('No batch was prepared');
      const batch = await next.batch;
      await engine.setWeights(weights);
      return engine.gradients(batch, next.plan.loss);
    },
    close: () => maker.close(),
  };
}
