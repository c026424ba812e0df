import { LRUCache } from 'lru-cache';

type Kept<T> = { readonly item: Promise<T>; users: number; dropped: boolean };

/** Things that are costly to open, by name. */
export type Opened<T> = {
  /** Does a task with the thing of this name, which is opened where it is not. Rejects as opening it or the task does. */
  use<R>(name: string, open: () => Promise<T>, task: (item: T) => Promise<R>): Promise<R>;
};

/** Keeps the `most` that were used last. One that goes is closed when nobody uses it any more; what did not open is tried again. */
export function keepOpen<T>(most: number, close: (item: T) => Promise<void>): Opened<T> {
  const closeIdle = ({ item, users, dropped }: Kept<T>) => {
    if (dropped && users === 0) void item.then(close, () => {});
  };
  const kept = new LRUCache<string, Kept<T>>({
    max: most,
    dispose: (one) => {
      one.dropped = true;
      closeIdle(one);
    },
  });
  const opened = (name: string, open: () => Promise<T>): Kept<T> => {
    const fresh = { item: open(), users: 0, dropped: false };
    kept.set(name, fresh);
    fresh.item.catch(() => kept.peek(name) === fresh && kept.delete(name));
    return fresh;
  };
  return {
    async use(name, open, task) {
      const one = kept.get(name) ?? opened(name, open);
      one.users++;
      try {
        return await task(await one.item);
      } finally {
        one.users--;
        closeIdle(one);
      }
    },
  };
}
