/** Places along each side of a picture that its ground is taken from. */
const GROUND_PLACES = 16;

/** The ground of a square picture: median of each channel's ink along its border, 0..255. @param source uint8 [side, side, 3] */
export function groundInk(source: Uint8Array, side: number): [red: number, green: number, blue: number] {
  const last = side - 1;
  const places = Math.min(side, GROUND_PLACES);
  const values = new Uint8Array(4 * places);
  const channel = (c: number): number => {
    for (let i = 0; i < places; i++) {
      const along = Math.floor((i * last) / Math.max(1, places - 1));
      values[4 * i] = source[along * 3 + c]!;
      values[4 * i + 1] = source[(last * side + along) * 3 + c]!;
      values[4 * i + 2] = source[along * side * 3 + c]!;
      values[4 * i + 3] = source[(along * side + last) * 3 + c]!;
    }
    return 255 - values.sort()[2 * places]!;
  };
  return [channel(0), channel(1), channel(2)];
}
