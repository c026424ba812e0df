import type { Random } from './random.ts';

/** A copy in random order, each as likely (Fisher and Yates): n - 1 draws. */
export function shuffled<T>(values: readonly T[], random: Pick<Random, 'int'>): T[] {
  const out = [...values];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}
