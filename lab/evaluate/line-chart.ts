import { escapeXml, TEXT } from './svg.ts';

/** Points of one line: x in its own unit, from 0. */
export type Line = {
  label: string;
  colour: string;
  points: readonly (readonly [x: number, y: number])[];
  dashed?: boolean;
};
export type Chart = { title: string; x: string; y: string; lines: readonly Line[] };

const WIDTH = 460;
const HEIGHT = 300;
const LEFT = 52;
const BOTTOM = 44;
const TOP = 34;
const RIGHT = 14;

/** Charts side by side as one SVG on a white ground, so that it reads on any page. */
export function drawCharts(charts: readonly Chart[], title = 'Learning curves'): string {
  const width = WIDTH * charts.length;
  const panels = charts.map((chart, i) => `<g transform="translate(${i * WIDTH} 0)">${drawChart(chart)}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img"><title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function drawChart({ title, x, y, lines }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const maxX = Math.max(...points.map(([value]) => value));
  const ticksX = ticks(0, maxX);
  const ticksY = ticks(Math.min(...points.map(([, value]) => value)), Math.max(...points.map(([, value]) => value)));
  const [low, high] = [ticksY[0]!, ticksY.at(-1)!];
  const toX = (value: number): number => LEFT + (value / maxX) * (WIDTH - LEFT - RIGHT);
  const toY = (value: number): number => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  const grid = ticksY.map(
    (value) =>
      `<path d="M${LEFT} ${round(toY(value))}H${WIDTH - RIGHT}" stroke="#e5e7eb"/>` +
      `<text x="${LEFT - 6}" y="${round(toY(value) + 4)}" text-anchor="end" ${TEXT}>${label(value)}</text>`,
  );
  const below = ticksX
    .filter((value) => value <= maxX)
    .map(
      (value) =>
        `<text x="${round(toX(value))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle" ${TEXT}>${label(value)}</text>`,
    );
  const drawn = lines.map(
    ({ colour, points: own, dashed }) =>
      `<path fill="none" stroke="${colour}" stroke-width="1.5" ${dashed ? 'stroke-dasharray="5 4" ' : ''}` +
      `d="M${own.map(([px, py]) => `${round(toX(px))} ${round(toY(py))}`).join('L')}"/>`,
  );
  const named = lines.filter((line, i) => lines.findIndex((other) => other.label === line.label) === i);
  // Where the lines do not end: below those that rise.
  const rises = lines.some(({ points: own }) => own.at(-1)![1] > own[0]![1]);
  const top = rises ? HEIGHT - BOTTOM - 8 - 15 * (named.length - 1) : TOP + 14;
  const legend = named.map(
    ({ label: name, colour }, i) =>
      `<text x="${WIDTH - RIGHT}" y="${top + 15 * i}" text-anchor="end" ${TEXT.replace('#57606a', colour)}>${escapeXml(name)}</text>`,
  );
  return [
    `<text x="${LEFT}" y="20" ${TEXT} font-weight="600">${escapeXml(title)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end" ${TEXT}>${escapeXml(x)}</text>`,
    `<text x="4" y="20" ${TEXT}>${escapeXml(y)}</text>`,
    ...grid,
    ...below,
    ...drawn,
    ...legend,
  ].join('\n');
}

/** Round numbers that cover [low, high], four to nine of them. */
export function ticks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span));
  const step = [0.1, 0.2, 0.5, 1, 2].map((factor) => factor * power).find((size) => span / size <= 7)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const round = (value: number): string => value.toFixed(1);
const label = (value: number): string => (Math.abs(value) >= 1e4 ? `${value / 1000}k` : String(value));
