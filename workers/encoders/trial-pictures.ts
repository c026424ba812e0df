import { makeRandom } from '@simili/learning/numbers/random';
import type { Picture } from '@simili/learning/picture';

/** Four pictures that have little in common, the same every time: a ramp, checks, a disc on white, noise. */
export function trialPictures(side: number): Picture[] {
  const random = makeRandom(5);
  const cell = Math.max(1, Math.floor(side / 8));
  const isInside = (x: number, y: number) => Math.hypot(x - side / 2, y - side / 2) < side / 3;
  const drawn = [
    (x: number, y: number, c: number) => (255 * [x, y, side - x][c]!) / side,
    (x: number, y: number, c: number) => ((Math.floor(x / cell) + Math.floor(y / cell) + c) % 2) * 255,
    (x: number, y: number, c: number) => (isInside(x, y) ? [220, 30, 40][c]! : 255),
    () => 256 * random.next(),
  ];
  return drawn.map((colour) =>
    Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return Math.floor(Math.min(255, colour(pixel % side, Math.floor(pixel / side), i % 3)));
    }),
  );
}
