import { setMaxListeners } from 'node:events';

/** Things of which each serves one task at a time. */
export type Pool<T> = {
  /** Waits, first come first served, for a free one. Rejects with the signal's reason when it aborts while waiting. */
  use<R>(task: (item: T) => Promise<R>, signal?: AbortSignal): Promise<R>;
};

export function makePool<T>(items: readonly T[]): Pool<T> {
  const free = [...items];
  const waiting: ((item: T) => void)[] = [];

  const take = (signal?: AbortSignal): Promise<T> =>
    new Promise((resolve, reject) => {
      if (free.length > 0) return resolve(free.shift() as T);
      const serve = (item: T) => {
        signal?.removeEventListener('abort', leave);
        resolve(item);
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(serve), 1);
        reject(signal?.reason);
      };
      waiting.push(serve);
      if (signal) setMaxListeners(0, signal); // any number may wait under one
      signal?.addEventListener('abort', leave, { once: true });
    });
  const giveBack = (item: T) => {
    const next = waiting.shift();
    if (next) next(item);
    else free.push(item);
  };
  return {
    async use(task, signal) {
      signal?.throwIfAborted();
      const item = await take(signal);
      try {
        return await task(item);
      } finally {
        giveBack(item);
      }
    },
  };
}
