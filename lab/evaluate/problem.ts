/** A line of a file that was left out, or that should be looked at, and why; the rest goes on. */
export type Problem = { readonly file: string; readonly line: number; readonly reason: string };
