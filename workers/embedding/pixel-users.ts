const users = new WeakMap<object, Map<string, number>>();

/**
 * Says that somebody reads the pixels of these pictures: of several encoders of one side each is done at another time.
 * @param pictures whose cache it is.
 * @returns to be called when done: which of them nobody else reads now.
 */
export function usePixels(pictures: object, hashes: readonly string[], side: number): () => string[] {
  const counts = users.get(pictures) ?? new Map<string, number>();
  users.set(pictures, counts);
  const keys = hashes.map((hash) => `${side} ${hash}`);
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return () =>
    hashes.filter((_hash, i) => {
      const left = counts.get(keys[i]!)! - 1;
      if (left > 0) counts.set(keys[i]!, left);
      else counts.delete(keys[i]!);
      return left === 0;
    });
}
