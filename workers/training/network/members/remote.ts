import { getPriority } from 'node:os';
import { openHost } from '../../../hosts/rpc.ts';
import type { GradientHostApi } from './gradient-host.ts';
import type { Member, MemberOptions } from './member.ts';

/** A member in a process of its own, which ends with this one. @throws SimiliError ENGINE_UNAVAILABLE, ENGINE_CRASHED */
export async function openRemoteMember(label: string, options: MemberOptions): Promise<Member> {
  const isSource = import.meta.url.endsWith('.ts');
  const url = new URL(isSource ? './gradient-host.ts' : './gradient-host.js', import.meta.url);
  // As nice as this process, which the worker has made nicer than whoever answers shoppers.
  const host = openHost<GradientHostApi>(url, { label, nice: getPriority() });
  try {
    await host.call('open', options);
  } catch (error) {
    await host.close();
    throw error;
  }
  return {
    prepare: (plan) => {
      void host.call('prepare', plan).catch(() => {}); // told by `gradients`
    },
    gradients: (weights) => host.call('gradients', weights),
    close: () => host.kill(),
  };
}
