import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until there is something, and gives it back. What the question throws ends it, unlike `expect.poll`.
 * @throws Error when there is nothing within `seconds`, a bound against hangs.
 */
export async function until<T>(
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  seconds = 480,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(50)) {
    const value = await ask();
    if (value) return value;
    if (Date.now() > end) throw new Error(`Waited for ${seconds} s in vain`);
  }
}
