import type { JobQueue } from './jobs.ts';

/** A queue that `open` opens when it is used first: many commands add no message, and its packages take long to load. */
export function queueLater(open: () => Promise<JobQueue>): JobQueue {
  let opening: Promise<JobQueue> | null = null;
  const queue = () => (opening ??= open());
  return {
    add: async (name, payload, key) => (await queue()).add(name, payload, key),
    addFlow: async (flow, key) => (await queue()).addFlow(flow, key),
    withdraw: async (name, key) => (await queue()).withdraw(name, key),
    work: async (name, handler) => (await queue()).work(name, handler),
    alive: async () => (await queue()).alive(),
    close: async () => {
      const opened = await opening?.catch(() => null); // whoever used it was told
      await opened?.close();
    },
  };
}
