/**
 * Seconds until something ends, at the rate from the first share that was told, 0 to 1, to the last. Null as long as nothing was added.
 * @param now ms
 */
export function timeLeft(now: () => number = () => performance.now()): (share: number) => number | null {
  let first: { share: number; at: number } | undefined;
  return (share) => {
    first ??= { share, at: now() };
    const gained = share - first.share;
    return gained > 0 ? Math.round(((now() - first.at) / 1000) * ((1 - share) / gained)) : null;
  };
}
