import { cpus } from 'node:os';
import type { MetricName, Questions } from '@simili/learning/metrics/judge';
import { compare, type Metric, slice, summarise } from '@simili/learning/metrics/summary';
import { packageFacts } from 'simili/internal/package-root';
import { type CheckedClaim, checkClaims } from '../compare/claims.ts';
import type { MethodFailure, MethodResult } from '../compare/compare-methods.ts';
import type { Method } from '../methods/method.ts';
import { outOfClassSweep } from '../methods/networks.ts';
import type { Trainer } from '../methods/trainer.ts';
import type { SetRow } from './labelled-set.ts';
import type { Problem } from './problem.ts';

/** report.json; docs/evaluation.md says what everything means. */
export type Report = {
  readonly format: 'simili-evaluation-1';
  readonly made: { date: string; simili: string; machine: string; node: string; command: string; minutes: number };
  readonly data: {
    pictures: number;
    identities: number;
    subgroups: number;
    categories: number;
    split: { train: number; val: number; test: number };
    gallery: number;
    queries: number;
    triplets: number;
    tripletsBy: 'people' | 'labels';
    answer: 'identity' | 'subgroup' | 'category';
    k: number;
  };
  readonly methods: readonly ReportedMethod[];
  readonly failures: readonly { name: string; reason: string }[];
  /** Every method against the served vector, the golden features, and what serves before any training. */
  readonly comparisons: readonly {
    a: string;
    b: string;
    metric: MetricName;
    difference: { mean: number; low: number; high: number };
    p: number;
  }[];
  readonly claims: readonly CheckedClaim[];
  readonly sweep: readonly { outOfClassShare: number; similarityPrecision: Metric; scoreAtK: Metric }[];
  readonly trainings: readonly {
    recipe: string;
    scales: 'single' | 'multi';
    outOfClassShare: number | null;
    uniform: boolean;
    seed: number;
    steps: number;
    keptStep: number;
    seconds: number;
    engine: string;
    curve: readonly { step: number; loss: number; precision?: number }[];
  }[];
  readonly problems: readonly Problem[];
};

export type ReportedMethod = {
  readonly name: string;
  readonly title: string;
  readonly kind: MethodResult['method']['kind'];
  readonly source: string;
  readonly seeds: number;
  readonly metrics: Readonly<Record<MetricName, Metric>>;
  readonly ties: number;
  readonly selected: number;
  readonly scoreShare: number;
  readonly coverage: number;
  readonly hubness: number;
  readonly seconds: number;
  readonly slices: readonly { slice: string; queries: number; map: Metric; similarityPrecision: Metric }[];
};

export type ReportInput = {
  readonly results: readonly MethodResult[];
  readonly failures: readonly MethodFailure[];
  readonly questions: Questions;
  readonly rows: readonly SetRow[];
  readonly ratedBy: 'people' | 'labels';
  readonly problems: readonly Problem[];
  readonly trainings: ReturnType<Trainer['log']>;
  readonly command: string;
  readonly minutes: number;
};

/** Categories that are shown by name; smaller ones are in head and tail only. */
const MOST_CATEGORIES = 20;
const COMPARED = ['similarityPrecision', 'scoreAtK', 'map', 'p1'] as const;
const REFERENCES = ['served', 'golden', 'encoderGolden'] as const;

export function makeReport(input: ReportInput): Report {
  const { results, failures, problems, command, minutes } = input;
  const slices = slicesOf(input);
  const byMethod = new Map(results.map((result) => [result.method, result]));
  return {
    format: 'simili-evaluation-1',
    made: {
      date: new Date().toISOString(),
      machine: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
      node: process.version,
      simili: packageFacts().version,
      command,
      minutes,
    },
    data: dataOf(input),
    methods: results.map(({ method: { name, title, kind, source }, seeds, runs, summary, seconds }) => ({
      name,
      title,
      kind,
      source,
      seeds: seeds.length,
      ...summary,
      seconds,
      slices: slices.map(({ slice: of, keep, queries }) => {
        const { map, similarityPrecision } = summarise(runs.map((run) => slice(run, keep))).metrics;
        return { slice: of, queries, map, similarityPrecision };
      }),
    })),
    failures: failures.map(({ method, reason }) => ({ name: method.name, reason })),
    comparisons: comparisonsOf(results),
    claims: checkClaims(results),
    sweep: sweepOf(byMethod),
    trainings: input.trainings.map(({ training, seed, trained: { steps, keptStep, seconds, engine, curve } }) => ({
      recipe: training.recipe,
      scales: training.scales,
      uniform: training.sampling?.uniform ?? false,
      outOfClassShare: training.recipe === 'deepRanking' ? (training.sampling?.outOfClassShare ?? 0.2) : null,
      seed,
      steps,
      keptStep,
      seconds,
      engine,
      curve,
    })),
    problems,
  };
}

/** The paper's figure 6. [] where only one share was trained. */
function sweepOf(byMethod: ReadonlyMap<Method, MethodResult>): Report['sweep'] {
  const points = outOfClassSweep.flatMap(({ share, method }) => {
    const found = byMethod.get(method);
    if (!found) return [];
    const { similarityPrecision, scoreAtK } = found.summary.metrics;
    return [{ outOfClassShare: share, similarityPrecision, scoreAtK }];
  });
  return points.length > 1 ? points : [];
}

function dataOf({ rows, questions, ratedBy }: ReportInput): Report['data'] {
  const count = (name: 'identity' | 'subgroup' | 'category'): number =>
    new Set(rows.map((row) => row[name]).filter((value) => value !== null)).size;
  const inSplit = (split: SetRow['decided']): number => rows.filter(({ decided }) => decided === split).length;
  return {
    pictures: rows.length,
    identities: count('identity'),
    subgroups: count('subgroup'),
    categories: count('category'),
    split: { train: inSplit('train'), val: inSplit('val'), test: inSplit('test') },
    gallery: questions.gallery.length,
    queries: questions.queries.length,
    triplets: questions.triplets.length,
    tripletsBy: ratedBy,
    k: questions.k,
    answer: ({ 3: 'identity', 2: 'subgroup', 1: 'category' } as const)[questions.answer],
  };
}

type Slice = { slice: string; queries: number; keep: (query: number) => boolean };

/** The largest categories by name, and head and tail: the fewest categories that hold half of the queries, and the rest. */
function slicesOf({ questions, rows }: ReportInput): Slice[] {
  const categoryOf = Array.from(questions.queries, (picture) => rows[picture]!.category ?? '');
  const counts = new Map<string, number>();
  for (const category of categoryOf) counts.set(category, (counts.get(category) ?? 0) + 1);
  const names = [...counts.keys()].filter((name) => name !== '').sort((a, b) => counts.get(b)! - counts.get(a)!);
  if (names.length < 2) return [];
  const head = new Set<string>();
  for (let held = 0, i = 0; held * 2 < categoryOf.length && i < names.length; i++) {
    head.add(names[i]!);
    held += counts.get(names[i]!)!;
  }
  const sliceOf = (name: string, is: (category: string) => boolean): Slice => ({
    slice: name,
    keep: (query) => is(categoryOf[query]!),
    queries: categoryOf.filter(is).length,
  });
  return [
    sliceOf('head', (category) => head.has(category)),
    sliceOf('tail', (category) => !head.has(category)),
    ...names.slice(0, MOST_CATEGORIES).map((name) => sliceOf(name, (category) => category === name)),
  ].filter(({ queries }) => queries > 0);
}

function comparisonsOf(results: readonly MethodResult[]): Report['comparisons'] {
  return REFERENCES.flatMap((name) => {
    const reference = results.find(({ method }) => method.name === name);
    if (!reference) return [];
    return results
      .filter((result) => result !== reference)
      .flatMap(({ method, runs }) =>
        COMPARED.map((metric) => ({ a: method.name, b: name, ...compare(runs, reference.runs, metric) })),
      );
  });
}
