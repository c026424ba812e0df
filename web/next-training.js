export const RETRAINING =
  'retraining { automatic due newChoices neededChoices newProducts neededProducts encoder notBefore scheduledFor }';

/**
 * @typedef {{ automatic: boolean, due: boolean, newChoices: number, neededChoices: number, newProducts: number,
 *   neededProducts: number, encoder: string | null, notBefore: string | null, scheduledFor: string | null }} Retraining
 */

/** When the next training comes by itself, in a sentence. @param {Retraining} plan */
export function nextTraining({ automatic, due, encoder, notBefore, scheduledFor, ...come }) {
  const because = encoder ? `: ${encoder}` : '';
  if (!automatic) return `No training comes by itself (SIMILI_RETRAIN_PAUSE_MINUTES is 0)${because}.`;
  if (due) return `The next training begins within a minute, by itself${because}.`;
  const when = notBefore ? `, not before ${momentOf(notBefore)}` : '';
  if (encoder) return `The next training comes by itself${when}${because}.`;
  const choices = `${come.neededChoices} new choices of shoppers (${come.newChoices} so far)`;
  const pictures = `${come.neededProducts} new pictures (${come.newProducts} so far)`;
  const at = scheduledFor ? `, or ${momentOf(scheduledFor)}` : '';
  return `The next training comes by itself after ${choices} or ${pictures}${at}${when}.`;
}

/** Time of day, with the day where that is not today. @param {string} time */
function momentOf(time) {
  const moment = new Date(time);
  const isToday = moment.toDateString() === new Date().toDateString();
  return moment.toLocaleString([], { ...(isToday ? {} : { dateStyle: 'medium' }), timeStyle: 'short' });
}
