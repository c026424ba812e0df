/** Most points a watcher is sent. */
const MOST = 200;

/** Every second point goes when there are too many: a curve keeps its shape and its newest point. */
export function thinCurve<Point>(curve: readonly Point[]): Point[] {
  if (curve.length <= MOST) return [...curve];
  return curve.filter((_point, i) => (curve.length - 1 - i) % 2 === 0);
}
