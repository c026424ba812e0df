/**
 * Begins work and waits for it, until `signal` aborts: then it rejects with the signal's reason, and the work goes on, whose end is told to
 * nobody. For what others use as well, and would be ended for one who leaves.
 * @param begin is given a signal that never aborts
 */
export async function untilLeft<T>(signal: AbortSignal, begin: (going: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const work = begin(new AbortController().signal);
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const stay = () => signal.removeEventListener('abort', leave);
    work.then(resolve, reject).finally(stay);
  });
}
