import type { MetricName } from '@simili/learning/metrics/judge';
import { type Comparison, compare } from '@simili/learning/metrics/summary';
import type { MethodResult } from './compare-methods.ts';

/** Something that the paper says of two methods: the first is better in this metric. */
type Claim = {
  readonly says: string;
  readonly better: string;
  readonly worse: string;
  readonly metric: MetricName;
};

/** Paper, tables 1 and 2, figure 6; and what Simili claims. */
const CLAIMS: readonly Claim[] = [
  ...(['similarityPrecision', 'scoreAtK', 'map'] as const).flatMap((metric) => [
    { says: 'Ranking beats softmax', better: 'singleScale', worse: 'convNet', metric },
    { says: 'Several scales beat one', better: 'deepRanking', worse: 'singleScale', metric },
    { says: 'The learned network beats the golden features', better: 'deepRanking', worse: 'golden', metric },
    { says: 'The served vector beats the golden features', better: 'served', worse: 'golden', metric },
  ]),
  { says: 'Importance sampling beats uniform', better: 'outOfClass0', worse: 'deepRankingUniform', metric: 'scoreAtK' },
  {
    says: 'More out-of-class negatives raise precision',
    better: 'outOfClass1',
    worse: 'outOfClass0',
    metric: 'similarityPrecision',
  },
  {
    says: 'More out-of-class negatives lower Score-at-top-K',
    better: 'outOfClass0',
    worse: 'outOfClass1',
    metric: 'scoreAtK',
  },
];

export type CheckedClaim = Claim & {
  readonly comparison: Comparison;
  readonly verdict: 'holds' | 'fails' | 'undecided';
};

/** Every claim whose two methods were measured: it holds, or its opposite does, where the interval leaves out 0. */
export function checkClaims(results: readonly MethodResult[]): CheckedClaim[] {
  const runsOf = new Map(results.map(({ method, runs }) => [method.name, runs]));
  return CLAIMS.flatMap((claim) => {
    const [better, worse] = [runsOf.get(claim.better), runsOf.get(claim.worse)];
    if (!better || !worse) return [];
    const comparison = compare(better, worse, claim.metric);
    const { low, high } = comparison.difference;
    const verdict = low > 0 ? 'holds' : high < 0 ? 'fails' : 'undecided';
    return [{ ...claim, comparison, verdict } as CheckedClaim];
  });
}
