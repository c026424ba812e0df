import pMap from 'p-map';

/** Results of `work` on every item, in the items' order, at most `width` at a time. After the first failure no new work starts. */
export function concurrently<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
  onDone: (done: number) => void,
): Promise<R[]> {
  let done = 0;
  const counted = async (item: T) => {
    const result = await work(item);
    onDone(++done);
    return result;
  };
  return pMap(items, counted, { concurrency: width });
}
