/**
 * CPU time of this process during some work, ms. When it is longer than wished the work is done again, up to ten times,
 * and the least counts: a collector or a compiler may be in it, and a busy machine makes it no longer.
 */
export function cpuOf(work: () => void, wishedMs: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 10 && least > wishedMs; attempt++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
