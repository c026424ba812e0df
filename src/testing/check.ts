/** One thing that every implementation of a seam must do: `for (const { title, run } of checks) test(title, run)`, with any runner. */
export type Check = {
  readonly title: string;
  /** Rejects with an AssertionError where it does not hold. */
  run(): Promise<void>;
};
