export const FEEDBACK = `feedbackHealth(days: 7) { accepted rejections { code count } impressionCoverage daysPending bots { visitors } }
  clickThrough(days: 28) { versions { modelVersionId rate { rate low high } } }`;

/**
 * @typedef {{ accepted: number, rejections: { code: string, count: number }[], impressionCoverage: number | null, daysPending: number,
 *   bots: { visitors: number } }} Health
 * @typedef {{ modelVersionId: string, rate: { rate: number, low: number, high: number } | null }} VersionRate
 */

/**
 * How feedback fares and how often the version that serves is chosen from, in sentences.
 * @param {Health} health of the last 7 days
 * @param {VersionRate[]} versions of the last 28 days
 * @param {string | null} activeId
 */
export function feedbackFacts({ accepted, rejections, impressionCoverage, daysPending, bots }, versions, activeId) {
  const rejected = rejections.map(({ code, count }) => `${count} ${code}`).join(', ');
  const sentences = [`Feedback of 7 days: ${accepted} events accepted, ${rejected || 'none'} rejected.`];
  if (impressionCoverage !== null)
    sentences.push(`${percent(impressionCoverage)} of the lists that it is about say what was seen.`);
  const rate = versions.find(({ modelVersionId }) => modelVersionId === activeId)?.rate;
  sentences.push(
    rate
      ? `In 28 days, of what shoppers saw of the model that serves they chose ${percent(rate.rate)} (${percent(rate.low)} to ${percent(rate.high)}).`
      : 'Too few shoppers have seen the model that serves to say what share they choose.',
  );
  if (bots.visitors > 0) sentences.push(`${bots.visitors} bots were found, and count for nothing.`);
  if (daysPending > 0) sentences.push(`${daysPending} days wait to be counted.`);
  return sentences.join(' ');
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;
