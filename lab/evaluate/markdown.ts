import type { Metric } from '@simili/learning/metrics/summary';
import { told } from './problem.ts';
import type { Report, ReportedMethod } from './report.ts';

/** report.md: the table, what the paper says and what came out, and how it was made. */
export function toMarkdown(report: Report): string {
  const { data, made } = report;
  const of = (count: number, what: string): string => `${count} ${what}`;
  return [
    '# Evaluation',
    '',
    `${made.date.slice(0, 10)}, ${made.machine}, Node ${made.node}, ${made.minutes.toFixed(0)} minutes:`,
    '',
    `    ${made.command}`,
    '',
    `${of(data.pictures, 'pictures')} of ${of(data.identities, 'identities')}, ${of(data.subgroups, 'subgroups')} and ` +
      `${of(data.categories, 'categories')}; train ${data.split.train}, val ${data.split.val}, test ${data.split.test}. ` +
      `${of(data.queries, 'queries')} against ${of(data.gallery, 'pictures')}; an answer is right when it has the query's ` +
      `${data.answer}. ${of(data.triplets, 'triplets')}, given by ${data.tripletsBy}. K = ${data.k}. ` +
      `${intervals(report)}${saturated(report)}`,
    '',
    ...table(
      [
        'method',
        'seeds',
        'similarity precision',
        `Score-${data.k}`,
        `of |S|`,
        'P@1',
        `recall@${data.k}`,
        'mAP',
        `nDCG@${data.k}`,
        'coverage',
        'hubness',
      ],
      report.methods.map(methodRow),
    ),
    '',
    ...claimLines(report),
    ...sweepLines(report),
    ...failureLines(report),
    ...problemLines(report),
  ].join('\n');
}

function intervals({ methods }: Report): string {
  return methods.some(({ seeds }) => seeds > 1)
    ? '95 % intervals over queries and seeds; ± is the standard deviation over seeds.'
    : '95 % intervals over queries, of one training each: with another seed a learned method may differ by more.';
}

/** Above this share of all triplets Score-at-top-K is similarity precision by another name. */
const NEARLY_ALL = 0.9;

function saturated({ methods, data: { triplets, k, gallery } }: Report): string {
  const least = Math.min(...methods.map(({ selected }) => selected));
  if (methods.length === 0 || least < NEARLY_ALL * triplets) return '';
  return (
    ` Of these ${gallery} pictures nearly all are among the first ${k} of somebody: Score-${k} counts ` +
    `${Math.round((100 * least) / triplets)} % of the triplets and says no more than the precision. Try a smaller --k.`
  );
}

function methodRow({ title, seeds, metrics, selected, coverage, hubness }: ReportedMethod): string[] {
  return [
    ...[title, String(seeds), share(metrics.similarityPrecision), count(metrics.scoreAtK), selected.toFixed(0)],
    ...[share(metrics.p1), share(metrics.recallAtK), share(metrics.map), share(metrics.ndcgAtK)],
    ...[decimal(coverage, 2), decimal(hubness, 1)],
  ];
}

function claimLines({ claims }: Report): string[] {
  if (claims.length === 0) return [];
  const rows = claims.map(({ says, better, worse, metric, verdict, comparison: { difference, p } }) => [
    ...[
      says,
      `${better} - ${worse}`,
      metric,
      metric === 'scoreAtK' ? count({ ...difference, sd: null }) : share({ ...difference, sd: null }),
    ],
    ...[p.toFixed(4), verdict],
  ]);
  return [
    '## What the paper claims',
    '',
    ...table(['claim', 'difference', 'metric', 'value', 'p (queries)', 'here'], rows),
    '',
  ];
}

function sweepLines({ sweep, data }: Report): string[] {
  if (sweep.length < 2) return [];
  const rows = sweep.map(({ outOfClassShare, similarityPrecision, scoreAtK }) => [
    ...[String(outOfClassShare), share(similarityPrecision), count(scoreAtK)],
  ]);
  return [
    ...['## Share of out-of-class negatives (figure 6)', ''],
    ...table(['share', 'similarity precision', `Score-${data.k}`], rows),
    '',
  ];
}

function failureLines({ failures }: Report): string[] {
  if (failures.length === 0) return [];
  return ['## Not measured', '', ...failures.map(({ name, reason }) => `- ${name}: ${reason}`), ''];
}

function problemLines({ problems }: Report): string[] {
  if (problems.length === 0) return [];
  return [
    '## Lines that were left out, adjusted or noticed',
    '',
    ...problems.map((problem) => `- ${told(problem)}`),
    '',
  ];
}

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );

const decimal = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace(/^(-?)0\./, '$1.') : '';
const withInterval = ({ mean, low, high, sd }: Metric, digits: number): string => {
  if (!Number.isFinite(mean)) return '';
  const spread = sd === null ? '' : ` ± ${decimal(sd, digits)}`;
  return `${decimal(mean, digits)}${spread} [${decimal(low, digits)}, ${decimal(high, digits)}]`;
};
const share = (metric: Metric): string => withInterval(metric, 3);
const count = (metric: Metric): string => withInterval(metric, 0);
