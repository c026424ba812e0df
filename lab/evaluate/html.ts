import { PICTURE_SIZE } from '@simili/learning/picture';
import { toWebp } from '@simili/worker/pictures/encode';
import MarkdownIt from 'markdown-it';
import type { MethodResult } from '../compare/compare-methods.ts';
import type { LabelledPictures } from '../questions/labelled.ts';
import { type Bar, drawBars } from './bar-chart.ts';
import type { SetRow } from './labelled-set.ts';
import { type Chart, drawCharts, type Line } from './line-chart.ts';
import { toMarkdown } from './markdown.ts';
import type { Report } from './report.ts';
import { escapeXml } from './svg.ts';

export type HtmlInput = {
  readonly report: Report;
  readonly results: readonly MethodResult[];
  readonly data: LabelledPictures;
  readonly rows: readonly SetRow[];
  readonly shown: readonly number[];
};

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1f2328; background: #fff }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto } td, th { border: 1px solid #d0d7de; padding: 3px 7px; text-align: left }
code { background: #f6f8fa; padding: 2px 4px; overflow-wrap: anywhere } .charts { display: flex; flex-wrap: wrap; gap: 1rem }
svg { max-width: 100%; height: auto } .tops td { text-align: center; padding: 2px } .tops img { display: block; width: 48px; height: 48px }
.right { outline: 2px solid #1a7f37 } .near { outline: 2px solid #bf8700 }
`;

/** report.html: one file, pictures and all. */
export async function toHtml(input: HtmlInput): Promise<string> {
  const { report } = input;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Simili evaluation</title><style>${STYLE}</style></head><body>`,
    new MarkdownIt().render(toMarkdown(report)), // HTML in it stays text
    `<h2>Charts</h2><div class="charts">${bars(report)}</div>`,
    sweepChart(report),
    curves(report),
    await tops(input),
    '</body></html>\n',
  ].join('\n');
}

function bars({ methods, data }: Report): string {
  const titles = {
    similarityPrecision: 'Similarity precision',
    scoreAtK: `Score-at-top-${data.k}`,
    map: 'mAP',
    p1: 'P@1',
    ndcgAtK: `nDCG@${data.k}`,
  };
  return Object.entries(titles)
    .map(([name, title]) => {
      const own = methods.map(({ title: label, metrics }): Bar => ({ label, ...metrics[name as keyof typeof titles] }));
      return drawBars(title, own);
    })
    .join('\n');
}

function sweepChart({ sweep, data }: Report): string {
  if (sweep.length < 2) return '';
  const chart = (name: 'similarityPrecision' | 'scoreAtK', title: string): Chart => ({
    title,
    x: 'share of out-of-class negatives',
    y: '',
    lines: (['mean', 'low', 'high'] as const).map((what) => ({
      label: what === 'mean' ? 'mean' : '95 %',
      colour: what === 'mean' ? '#0969da' : '#8c959f',
      dashed: what !== 'mean',
      points: sweep.map((point) => [point.outOfClassShare, point[name][what]] as const),
    })),
  });
  const charts = [chart('similarityPrecision', 'Similarity precision'), chart('scoreAtK', `Score-at-top-${data.k}`)];
  return `<h2>Out-of-class share</h2>${drawCharts(charts, 'Out-of-class share')}`;
}

const COLOURS = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#cf222e', '#57606a'];

/** Held-out precision and loss of the first seed of every training, over the share of the training that is done. */
function curves({ trainings }: Report): string {
  const first = trainings.filter(({ seed, curve }) => seed === 1 && curve.length > 1);
  if (first.length === 0) return '';
  const lines = (value: 'loss' | 'precision'): Line[] =>
    first.flatMap(({ recipe, scales, outOfClassShare, uniform, steps, curve }, i) => {
      const points = curve.flatMap((point) =>
        point[value] === undefined ? [] : [[point.step / steps, point[value]] as const],
      );
      const label = [recipe, scales, outOfClassShare ?? '', uniform ? 'uniform' : '']
        .filter((part) => part !== '')
        .join(', ');
      return points.length > 1 ? [{ label, colour: COLOURS[i % COLOURS.length]!, points }] : [];
    });
  const charts: Chart[] = [
    { title: 'Loss', x: 'share of the steps', y: '', lines: lines('loss') },
    { title: 'Precision on validation triplets', x: 'share of the steps', y: '', lines: lines('precision') },
  ].filter((chart) => chart.lines.length > 0);
  return `<h2>Learning curves (seed 1)</h2>${drawCharts(charts)}`;
}

/** The first pictures that every method finds for some queries; outlined green where they are right, amber where close. */
async function tops({ results, data, rows, shown, report }: HtmlInput): Promise<string> {
  const image = async (picture: number): Promise<string> => {
    const webp = await toWebp(data.load(picture), PICTURE_SIZE);
    return `data:image/webp;base64,${webp.toString('base64')}`;
  };
  const used = new Set([...shown, ...results.flatMap(({ tops: own }) => [...own.values()].flat())]);
  const images = new Map<number, string>();
  for (const picture of used) images.set(picture, await image(picture));
  const img = (picture: number, mark = ''): string =>
    `<img class="${mark}" src="${images.get(picture)}" alt="${escapeXml(rows[picture]!.path)}" title="${escapeXml(rows[picture]!.path)}">`;
  const parts = shown.map((query) => {
    const lists = results.map(({ method, tops: own }) => {
      const cells = (own.get(query) ?? []).map(
        (picture) => `<td>${img(picture, markOf(rows[query]!, rows[picture]!, report))}</td>`,
      );
      return `<tr><th>${escapeXml(method.title)}</th>${cells.join('')}</tr>`;
    });
    return `<h3>${escapeXml(rows[query]!.path)}</h3>${img(query)}<table class="tops">${lists.join('')}</table>`;
  });
  if (parts.length === 0) return '';
  const legend = `Green: right, by the query's ${report.data.answer}. Amber: of the query's category.`;
  return `<h2>What they find</h2><p>${legend}</p>${parts.join('\n')}`;
}

function markOf(query: SetRow, found: SetRow, { data }: Report): string {
  const answer = data.answer;
  if (query[answer] !== null && query[answer] === found[answer]) return 'right';
  return query.category !== null && query.category === found.category ? 'near' : '';
}
