/**
 * The same values, each already on its way while the one before is being used. When the consumer stops early what is on
 * its way is waited for, and its failure is nobody's any more.
 */
export async function* prefetched<T>(source: AsyncIterator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = source.next();
      next.catch(() => {}); // told when it is asked for
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await source.return?.();
  }
}
