import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import { sidesFor, specFor } from '@simili/worker/training/network/spec';
import type { Config } from 'simili/internal/config';
import { SimiliError } from 'simili/internal/errors';
import type { LabelledPictures } from '../questions/labelled.ts';
import { decodeRows } from './decode.ts';
import { labelledSet, orderRows, type SetRow, thinGroups } from './labelled-set.ts';
import { makeSplits } from './make-splits.ts';
import type { Problem } from './problem.ts';
import { divideRated } from './rated.ts';
import { checkFolder, readLabels } from './read-labels.ts';
import { readTriplets } from './read-triplets.ts';

export type CollectOptions = {
  readonly images: string;
  readonly labels: string;
  readonly triplets: string | null;
  readonly preset: string;
  /** Sides of the pictures that an encoder reads. */
  readonly encoderSides: readonly number[];
  /** Seed of the splits, where the file names none. */
  readonly seed: number;
  readonly config: Config;
  readonly onProgress: (done: number, total: number) => void;
  /** As they are found: pictures that are left out before anything can end for the want of pictures. */
  readonly onProblems: (problems: readonly Problem[]) => void;
};

export type Collected = {
  readonly data: LabelledPictures;
  readonly rows: readonly SetRow[];
  /** Triplets of held-out pictures, answered by people. */
  readonly rated: readonly Triplet[];
  readonly problems: readonly Problem[];
};

const byLine = (a: Problem, b: Problem): number => a.line - b.line;

/** Fewer held-out pictures, or fewer that teach, say nothing. */
const FEWEST = 10;

/** Files to pictures with labels. What cannot be used is told and left out. @throws SimiliError IMPORT_UNREADABLE. */
export async function collect(options: CollectOptions): Promise<Collected> {
  const {
    images,
    labels,
    triplets: tripletsPath,
    seed,
    preset,
    encoderSides,
    config,
    onProgress,
    onProblems,
  } = options;
  await checkFolder(images);
  const read = await readLabels(images, labels);
  const sides = [...new Set([...sidesFor(specFor(preset, null)), ...encoderSides])];
  const {
    rows: decoded,
    folders,
    problems: unreadable,
  } = await decodeRows(read.rows, { config, sides, mentionedIn: labels }, onProgress);
  const leftOut = [...read.problems, ...unreadable].sort(byLine);
  onProblems(leftOut);
  const indexOf = new Map(decoded.map(({ path }, i) => [path, i]));
  const answers = tripletsPath ? await readTriplets(tripletsPath, indexOf) : { triplets: [], problems: [] };
  const asked = new Set(answers.triplets.flatMap(({ q, p, n }) => [q, p, n]).map((i) => decoded[i]!.path));
  const ordered = orderRows(decoded, makeSplits(decoded, seed, asked), labels);
  const rows = ordered.rows;
  checkEnough(rows, labels);
  const newIndex = new Map(rows.map(({ path }, i) => [path, i]));
  const moved = (i: number): number => newIndex.get(decoded[i]!.path)!;
  const { learn, measure, mixed } = divideRated(
    answers.triplets.map(({ q, p, n }) => ({ q: moved(q), p: moved(p), n: moved(n) })),
    rows,
  );
  const noticed = [...ordered.problems, ...thinGroups(rows, labels)];
  const ofTriplets = [...answers.problems];
  if (mixed > 0) {
    const reason = `${mixed} triplets have pictures that teach beside pictures that are held out; they are not used`;
    ofTriplets.push({ file: tripletsPath!, line: 1, reason });
  }
  onProblems([...noticed, ...ofTriplets]);
  const problems = [...[...leftOut, ...noticed].sort(byLine), ...ofTriplets];
  return { data: labelledSet(rows, learn, folders), rows, rated: measure, problems };
}

function checkEnough(rows: readonly SetRow[], labels: string): void {
  const held = rows.filter(({ decided }) => decided === 'test').length;
  const refuse = (why: string) => new SimiliError('IMPORT_UNREADABLE', { source: labels, why });
  if (held < FEWEST) throw refuse(`${held} readable pictures are held out (split test), ${FEWEST} are needed`);
  const teaching = rows.length - held;
  if (teaching < FEWEST)
    throw refuse(`${teaching} readable pictures may teach (split train or val), ${FEWEST} are needed`);
}
