import { ticks } from './line-chart.ts';
import { escapeXml, TEXT } from './svg.ts';

export type Bar = { readonly label: string; readonly mean: number; readonly low: number; readonly high: number };

const WIDTH = 640;
const LABEL = 260;
const RIGHT = 60;
const ROW = 22;
const TOP = 34;

/** Horizontal bars with their intervals, as one SVG on a white ground. */
export function drawBars(title: string, bars: readonly Bar[]): string {
  const height = TOP + ROW * bars.length + 30;
  const values = bars.flatMap(({ mean, low, high }) => [mean, low, high]).filter(Number.isFinite);
  const axis = ticks(Math.min(0, ...values), Math.max(1e-9, ...values));
  const [least, most] = [axis[0]!, axis.at(-1)!];
  const toX = (value: number): number => LABEL + ((value - least) / (most - least)) * (WIDTH - LABEL - RIGHT);
  const round = (value: number): string => value.toFixed(1);
  const grid = axis.map(
    (value) =>
      `<path d="M${round(toX(value))} ${TOP}V${height - 24}" stroke="#e5e7eb"/>` +
      `<text x="${round(toX(value))}" y="${height - 8}" text-anchor="middle" ${TEXT}>${value}</text>`,
  );
  const rows = bars
    .filter(({ mean }) => Number.isFinite(mean))
    .map(({ label, mean, low, high }, i) => {
      const y = TOP + ROW * i;
      const [from, to] = [toX(Math.min(0, mean)), toX(Math.max(0, mean))];
      const middle = y + ROW / 2;
      return (
        `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end" ${TEXT}>${escapeXml(label)}</text>` +
        `<rect x="${round(from)}" y="${y + 4}" width="${round(to - from)}" height="${ROW - 8}" fill="#0969da" opacity=".7"/>` +
        `<path d="M${round(toX(low))} ${middle}H${round(toX(high))}M${round(toX(low))} ${middle - 4}v8M${round(toX(high))} ${middle - 4}v8" stroke="#24292f"/>` +
        `<text x="${round(toX(high) + 6)}" y="${middle + 4}" ${TEXT}>${Number(mean.toPrecision(3))}</text>`
      );
    });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img"><title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="20" ${TEXT} font-weight="600">${escapeXml(title)}</text>`,
    ...[...grid, ...rows, '</svg>'],
  ].join('\n');
}
