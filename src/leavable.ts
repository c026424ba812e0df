/** A generator's own `return()` waits for its next `yield`, which may never come: this one wakes it up. */
export function leavable<T>(make: (left: AbortSignal) => AsyncGenerator<T>): AsyncGenerator<T> {
  const leaving = new AbortController();
  const generator = make(leaving.signal);
  const end = generator.return.bind(generator);
  generator.return = (value) => {
    leaving.abort();
    return end(value);
  };
  return generator;
}
