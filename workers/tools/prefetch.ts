/**
 * A result for each value, in order. While the consumer uses one the next two are under way, so that whoever makes them
 * never stands still between two. When the consumer stops early they are waited for, and their failures are nobody's any
 * more.
 */
export async function* prefetched<T, R>(
  source: AsyncIterator<T, void>,
  make: (value: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<{ made: R } | null>[] = [];
  const begin = () => {
    const next = source.next().then(async ({ value, done }) => (done ? null : { made: await make(value as T) }));
    next.catch(() => {}); // told when it is asked for
    underWay.push(next);
  };
  try {
    begin();
    begin();
    for (;;) {
      const next = await underWay.shift();
      if (!next) return;
      begin();
      yield next.made;
    }
  } finally {
    await Promise.allSettled(underWay);
    await source.return?.();
  }
}
