import { drawCurve } from './curve.js';
import { byId, make } from './dom.js';

/**
 * @typedef {'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'} JobState
 * @typedef {'TRAIN' | 'EMBED' | 'EVALUATE' | 'DONE'} JobPhase
 * @typedef {{ id: string, kind: 'BOOTSTRAP' | 'RETRAIN', state: JobState, phase: JobPhase, progress: number, etaSeconds: number | null,
 *   message: string | null, engine: string | null, curve: { step: number, loss: number, activeShare: number }[],
 *   error: { code: string, message: string } | null }} Job
 */

export const JOB_FIELDS = `fragment JobFields on Job {
  id kind state phase progress etaSeconds message engine curve { step loss activeShare } error { code message }
}`;

/** @param {Job} job */
export const isSettled = ({ state }) => state !== 'QUEUED' && state !== 'RUNNING';

/** @type {{ phase: JobPhase, label: string }[]} */
const PHASES = [
  { phase: 'TRAIN', label: 'Train' },
  { phase: 'EMBED', label: 'Embed the catalog' },
  { phase: 'EVALUATE', label: 'Check the quality' },
];
/** @type {Record<JobState, string>} */
const STATES = { QUEUED: 'waits', RUNNING: 'runs', SUCCEEDED: 'is done', FAILED: 'failed', CANCELLED: 'was cancelled' };

/** @param {Job} job e.g. "Training runs" */
export const sentenceOf = ({ kind, state }) =>
  `${kind === 'BOOTSTRAP' ? 'Fitting the first model' : 'Training'} ${STATES[state]}`;

/** @param {Job} job e.g. "43 %" */
export const shareOf = ({ progress }) => `${Math.floor(progress * 100)} %`;

/**
 * Shows how a job stands. Elements stay the same from call to call, so the focus stays too.
 * @param {Job} job
 * @param {{ reconnecting: boolean }} connection
 */
export function showJob(job, { reconnecting }) {
  byId('job').hidden = false;
  byId('job').dataset.state = job.state;
  byId('job-title').textContent = sentenceOf(job);
  byId('job-cancel').hidden = isSettled(job);
  byId('job-phases').replaceChildren(
    ...PHASES.map(({ phase, label }, at) => make('li', phaseState(job, at, phase), label)),
  );
  const progress = /** @type {HTMLProgressElement} */ (byId('job-progress'));
  progress.value = job.progress;
  progress.hidden = isSettled(job);
  byId('job-facts').textContent = factsOf(job, reconnecting);
  byId('job-engine').textContent = job.engine;
  byId('job-engine').title = job.engine ?? '';
  byId('job-problem').textContent = job.error ? `${job.error.message} (${job.error.code})` : '';
  showCurve(job.curve);
}

/** @param {Job} job @param {number} at @param {JobPhase} phase */
function phaseState(job, at, phase) {
  const now = PHASES.findIndex((one) => one.phase === job.phase);
  if (job.phase === 'DONE' || at < now) return { class: 'past' };
  return phase === job.phase && !isSettled(job) ? { class: 'now', 'aria-current': 'step' } : {};
}

/** @param {Job} job @param {boolean} reconnecting */
function factsOf(job, reconnecting) {
  const running = isSettled(job) ? [] : [shareOf(job), job.etaSeconds === null ? '' : timeLeft(job.etaSeconds)];
  return [...running, job.message, reconnecting ? 'connecting again …' : ''].filter(Boolean).join(' · ');
}

/** @param {number} seconds */
function timeLeft(seconds) {
  if (seconds < 90) return `about ${seconds} s left`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min left` : `about ${Math.round(seconds / 3600)} h left`;
}

/** @param {Job['curve']} curve */
function showCurve(curve) {
  const last = curve.at(-1);
  byId('job-figure').hidden = curve.length < 2;
  if (curve.length < 2 || !last) return;
  drawCurve(byId('job-curve'), curve);
  const active = Math.round(last.activeShare * 100);
  byId('job-caption').textContent = `Loss ${last.loss.toPrecision(3)}; ${active} % of a batch still teaches.`;
}
