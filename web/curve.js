import { makeSvg } from './dom.js';

const [WIDTH, HEIGHT] = [320, 120];
const MARGIN = { left: 38, right: 8, top: 8, bottom: 18 };

/**
 * Draws the training loss over the steps.
 * @param {Element} svg with viewBox 0 0 320 120
 * @param {{ step: number, loss: number }[]} points at least two, by step
 */
export function drawCurve(svg, points) {
  const [first, last] = [points[0]?.step ?? 0, points.at(-1)?.step ?? 1];
  const top = niceCeiling(Math.max(...points.map((point) => point.loss)));
  const x = (/** @type {number} */ step) =>
    MARGIN.left + ((step - first) / Math.max(1, last - first)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (/** @type {number} */ loss) =>
    HEIGHT - MARGIN.bottom - (loss / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const line = points.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
  const bottom = y(0);
  svg.replaceChildren(
    ...[0, top / 2, top].flatMap((loss) => [
      makeSvg('line', { class: 'rule', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(loss), y2: y(loss) }),
      makeSvg(
        'text',
        { x: MARGIN.left - 6, y: y(loss) + 3.5, 'text-anchor': 'end' },
        String(Number(loss.toPrecision(2))),
      ),
    ]),
    makeSvg('text', { x: MARGIN.left, y: HEIGHT - 4 }, `step ${first.toLocaleString()}`),
    makeSvg('text', { x: WIDTH - MARGIN.right, y: HEIGHT - 4, 'text-anchor': 'end' }, last.toLocaleString()),
    makeSvg('polygon', { class: 'area', points: `${x(first)},${bottom} ${line} ${x(last)},${bottom}` }),
    makeSvg('polyline', { class: 'line', points: line }),
  );
}

/** The next 1, 2, 4 or 10 times a power of ten. @param {number} value > 0, or 0 */
function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 10].find((step) => step * power >= value) ?? 10);
}
