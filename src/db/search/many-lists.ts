import type { VersionSpace } from '../../ports/space.ts';

/**
 * Lists of one statement up to which each looks as far as was measured. More of them take their time together, so each looks no farther than is quick: 5 ms of 100,000
 * products, where ranking all of them for each of fifty takes as long as a request may.
 */
const MOST_AS_MEASURED = 4;
export const QUICK = 400;
export const isFewLists = (lists: number): boolean => lists <= MOST_AS_MEASURED;

/** Spaces as so many lists of one statement are searched in: no farther than is quick where they are many. */
export const searchedSpaces = (spaces: readonly VersionSpace[], lists: number): readonly VersionSpace[] =>
  isFewLists(lists) ? spaces : spaces.map((space) => ({ ...space, ...quick(space) }));

const quick = ({ isBinary, candidates }: VersionSpace): Pick<VersionSpace, 'candidates'> =>
  isBinary || candidates ? { candidates: Math.min(candidates ?? QUICK, QUICK) } : {};
