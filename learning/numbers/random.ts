/** A stream of random numbers that can be stopped and resumed bit for bit: checkpoints keep `state()`. */
export type Random = {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer in [0, n); n >= 1. */
  int(n: number): number;
  /** Standard normal. Keeps no spare value, so the state is complete after every call. */
  gaussian(): number;
  /** Four uint32. */
  state(): number[];
  /** Continues from a `state()`. @throws Error when it is not one. */
  restore(state: readonly number[]): void;
};

/**
 * Small Fast Counter generator, 32 bit (sfc32 of Chris Doty-Humphrey's PractRand): 128 bits of state, period >= 2^32.
 * @param seed any integer; only its lowest 32 bits count.
 */
export function makeRandom(seed: number): Random {
  // a, b, c and the counter. As variables of a closure they would be numbers on the heap, made anew at every word.
  const words = Int32Array.of(0, 0, seed, 1);

  const word = (): number => {
    const [a, b, c, counter] = [words[0]!, words[1]!, words[2]!, words[3]!];
    const sum = (a + b + counter) | 0;
    words[0] = b ^ (b >>> 9);
    words[1] = c + (c << 3);
    words[2] = ((c << 21) | (c >>> 11)) + sum;
    words[3] = counter + 1;
    return sum >>> 0;
  };
  // The seed needs about a dozen rounds to reach every bit.
  for (let round = 0; round < 15; round++) word();

  const next = (): number => {
    const high = word() >>> 5;
    return (high * 2 ** 26 + (word() >>> 6)) / 2 ** 53;
  };
  return {
    next,
    int: (n) => Math.floor(next() * n),
    gaussian: () => {
      // Box-Muller; 1 - u is never 0.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return radius * Math.cos(2 * Math.PI * next());
    },
    state: () => Array.from(words, (value) => value >>> 0),
    restore: (state) => {
      if (state.length !== 4 || !state.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
        throw new Error('A random state is four uint32');
      }
      words.set(state);
    },
  };
}
