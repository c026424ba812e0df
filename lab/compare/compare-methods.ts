import { type Judged, judge, type Questions } from '@simili/learning/metrics/judge';
import { type Summary, summarise } from '@simili/learning/metrics/summary';
import type { Distance } from '@simili/worker/training/fusion/mixture';
import type { Method } from '../methods/method.ts';
import type { Planned, Trainer } from '../methods/trainer.ts';
import type { LabelledPictures } from '../questions/labelled.ts';

export type MethodResult = {
  readonly method: Method;
  readonly seeds: readonly number[];
  /** One a seed; of the same questions as all others. */
  readonly runs: readonly Judged[];
  readonly summary: Summary;
  /** First pictures of the lists of the shown queries, nearest first, by the first seed. */
  readonly tops: ReadonlyMap<number, readonly number[]>;
  /** Fitting and comparing, all seeds, without the training of networks. */
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

const seedsOf = (method: Method, seeds: number): number[] =>
  Array.from({ length: method.seeded ? seeds : 1 }, (_, i) => i + 1);

/** The networks that methods need, each once: seed by seed, so that an evaluation that is stopped has some of all. */
export function trainingsOf(methods: readonly Method[], seeds: number): Planned[] {
  const all = methods.flatMap((method) =>
    method.training ? seedsOf(method, seeds).map((seed) => ({ training: method.training!, seed })) : [],
  );
  const distinct = new Map(all.map((planned) => [JSON.stringify(planned), planned]));
  return [...distinct.values()].sort((a, b) => a.seed - b.seed);
}

/**
 * Fits every method, each seeded one with seeds 1, 2 …, and asks all the same. Networks come first and all together:
 * whatever else is fitted would take time from some of them. @throws the signal's reason.
 */
export async function compareMethods(
  options: ComparisonOptions,
): Promise<{ results: MethodResult[]; failures: MethodFailure[] }> {
  const results: MethodResult[] = [];
  const failures: MethodFailure[] = [];
  await options.trainer.prepare(trainingsOf(options.methods, options.seeds));
  options.signal.throwIfAborted();
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
  const seeds = seedsOf(method, options.seeds);
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
