/** As shells count an end by Ctrl-C. */
const INTERRUPTED = 130;

/** Does what Ctrl-C stops, by the signal; that it was stopped is all that is said then. A second Ctrl-C ends the process at once. */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Error('stopped')));
  try {
    await work(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    process.stderr.write('Stopped\n');
    process.exitCode = INTERRUPTED;
  }
}
