// Trainings by themselves from two to five at night (UTC) alone, when the shop's machines have nothing else to do, and then as
// soon as a hundred new choices have come. Try it in your shop: SIMILI_EXTENSIONS=./at-night.mjs npx simili start
import { usualRetrainPolicy } from 'simili';

const usual = usualRetrainPolicy({ pauseMinutes: 12 * 60, choices: 100 });

/** @type {import('simili').RetrainPolicy} */
export const atNight = {
  name: 'at night',
  automatic: true,
  restsUntil(ended, now) {
    const pause = usual.restsUntil(ended, now) ?? now;
    const from = nextNight(pause);
    return from > now ? from : null;
  },
  plan(since, now) {
    const plan = usual.plan(since, now);
    const notBefore = since.ended && this.restsUntil(since.ended, now);
    return notBefore ? { ...plan, due: false, reason: null, notBefore } : plan;
  },
};

export default { retrainPolicy: atNight };

/** The same time where it is in the night, else when the next one begins. */
function nextNight(time) {
  const hour = time.getUTCHours();
  if (hour >= 2 && hour < 5) return time;
  const day = time.getUTCDate() + (hour >= 5 ? 1 : 0);
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), day, 2));
}
