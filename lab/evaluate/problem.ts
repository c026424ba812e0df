import { basename } from 'node:path';

/** A line of a file that was left out, or that should be looked at, and why; the rest goes on. */
export type Problem = { readonly file: string; readonly line: number; readonly reason: string };

/** Where it is and why: there are two files, of labels and of triplets. */
export const told = ({ file, line, reason }: Problem): string => `${basename(file)}, line ${line}: ${reason}`;
