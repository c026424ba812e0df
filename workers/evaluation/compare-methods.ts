import { type Judged, judge, type Questions } from '../../src/learning/evaluation/judge.ts';
import { type Summary, summarise } from '../../src/learning/evaluation/summary.ts';
import type { Distance } from '../training/mixture.ts';
import type { LabelledPictures } from './labelled.ts';
import type { Method } from './methods/method.ts';
import type { Trainer } from './trainer.ts';

export type MethodResult = {
  readonly method: Method;
  readonly seeds: readonly number[];
  /** One a seed; of the same questions as all others. */
  readonly runs: readonly Judged[];
  readonly summary: Summary;
  /** First pictures of the lists of the shown queries, nearest first, by the first seed. */
  readonly tops: ReadonlyMap<number, readonly number[]>;
  /** Fitting and comparing, all seeds; a training counts for the first method that asks for it. */
  readonly seconds: number;
};
/** A method that could not be fitted here; the others go on. */
export type MethodFailure = { readonly method: Method; readonly reason: string };

export type ComparisonOptions = {
  readonly data: LabelledPictures;
  readonly questions: Questions;
  readonly methods: readonly Method[];
  readonly trainer: Trainer;
  readonly seeds: number;
  /** Queries whose lists are shown. */
  readonly shown: readonly number[];
  readonly signal: AbortSignal;
  readonly onMethod: (method: Method, seed: number) => void;
};

const TOP = 10;

/** Fits every method, each seeded one with seeds 1, 2 …, and asks all the same. @throws the signal's reason. */
export async function compareMethods(
  options: ComparisonOptions,
): Promise<{ results: MethodResult[]; failures: MethodFailure[] }> {
  const results: MethodResult[] = [];
  const failures: MethodFailure[] = [];
  for (const method of options.methods) {
    try {
      results.push(await ask(method, options));
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push({ method, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { results, failures };
}

async function ask(method: Method, options: ComparisonOptions): Promise<MethodResult> {
  const { data, questions, trainer, signal, shown } = options;
  const started = performance.now();
  const seeds = Array.from({ length: method.seeded ? options.seeds : 1 }, (_, i) => i + 1);
  const runs: Judged[] = [];
  let tops: MethodResult['tops'] | null = null;
  for (const seed of seeds) {
    options.onMethod(method, seed);
    const compared = await method.fit({ data, trainer, seed, signal });
    const distance = await compared(questions.gallery);
    signal.throwIfAborted();
    runs.push(judge(questions, (query) => Float32Array.from(questions.gallery, (picture) => distance(query, picture))));
    tops ??= new Map(shown.map((query) => [query, nearest(questions.gallery, query, distance)]));
  }
  const seconds = (performance.now() - started) / 1000;
  return { method, seeds, runs, summary: summarise(runs), tops: tops ?? new Map(), seconds };
}

function nearest(gallery: Int32Array, query: number, distance: Distance): number[] {
  const byDistance = [...gallery]
    .filter((picture) => picture !== query)
    .map((picture) => ({
      picture,
      d: distance(query, picture),
    }));
  return byDistance
    .sort((a, b) => a.d - b.d)
    .slice(0, TOP)
    .map(({ picture }) => picture);
}
