import { ApiError, ask } from './api.js';
import { announce, byId } from './dom.js';
import { subscribe } from './event-stream.js';
import { FEEDBACK, feedbackFacts } from './feedback-facts.js';
import { isSettled, JOB_FIELDS, sentenceOf, shareOf, showJob } from './job-view.js';
import { MODEL_FIELDS, ModelsView, titleOf } from './models-view.js';
import { nextTraining, RETRAINING } from './next-training.js';
import { read, write } from './storage.js';

const KEY = 'simili.admin-key';
const POLL_MS = 3000;
/** Days are summed for it. */
const FEEDBACK_MS = 60_000;
const ADMIN = '/admin/graphql';
/** The version that serves, and those that a rollback can take: behind many refused ones they are not among the newest. */
const SERVABLE = 'servable: models(first: 10, states: [ACTIVE, STANDBY])';
const DESK = `query Desk { jobs(first: 1) { ...JobFields } models(first: 20) { ...ModelFields } ${SERVABLE} { ...ModelFields } ${RETRAINING} } ${JOB_FIELDS} ${MODEL_FIELDS}`;
const PROGRESS = `subscription Progress($id: ID!) { jobProgress(id: $id) { ...JobFields } } ${JOB_FIELDS}`;
const PROBLEMS = '... on UserError { message code }';
const RETRAIN = `mutation Retrain($input: RetrainInput) {
  retrain(input: $input) { job { id } userErrors { ${PROBLEMS} ... on JobAlreadyRunningError { jobId } } }
}`;
const CANCEL = `mutation Cancel($id: ID!) { cancelJob(input: { id: $id }) { userErrors { ${PROBLEMS} } } }`;
const ROLL_BACK = `mutation RollBack($id: ID!) { rollback(input: { modelVersionId: $id }) { userErrors { ${PROBLEMS} } } }`;

/**
 * @typedef {import('./job-view.js').Job} Job
 * @typedef {import('./models-view.js').Model} Model
 * @typedef {import('./next-training.js').Retraining} Retraining
 * @typedef {import('./feedback-facts.js').Health} Health
 * @typedef {import('./feedback-facts.js').VersionRate} VersionRate
 * @typedef {{ message: string, code: string, jobId?: string }} UserError
 */

/** The panel of whoever has the admin key: retrain, watch, cancel, compare models, roll back. */
export class TrainingPanel {
  #panel = byId('training');
  #toggle = byId('training-toggle');
  /** @type {string | null} */
  #key = read(sessionStorage, KEY);
  /** Aborted with the key: ends stream and polling. */
  #session = new AbortController();
  /** @type {Job | null} */
  #job = null;
  /** @type {string | null} */
  #following = null;
  /** @type {string | null} */
  #activeId = null;
  /** The problem that is shown is that the server does not answer. */
  #away = false;
  #models = new ModelsView((model) => this.#act(ROLL_BACK, { id: model.id }));
  /** When feedback was last asked about. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #beforeRetrain;
  #onModel;

  /**
   * @param {{ beforeRetrain: () => Promise<void>, onModel: (title: string, changed: boolean) => void }} hooks
   *   changed: another model serves than the one this page knew
   */
  constructor({ beforeRetrain, onModel }) {
    this.#beforeRetrain = beforeRetrain;
    this.#onModel = onModel;
    this.#toggle.addEventListener('click', () => this.#open(this.#panel.hidden));
    byId('key-form').addEventListener('submit', (event) => this.#onKey(event));
    byId('forget-key').addEventListener('click', () => this.#forget(''));
    byId('retrain').addEventListener('submit', (event) => this.#onRetrain(event));
    byId('job-cancel').addEventListener('click', () => this.#act(CANCEL, { id: this.#job?.id }));
    if (this.#key) this.#start();
  }

  /** The administrator's key; null: nobody is signed in. */
  get key() {
    return this.#key;
  }

  /** @param {string} key as the start command printed it */
  use(key) {
    this.#key = key;
    write(sessionStorage, KEY, key);
    this.#start();
    this.#open(true);
  }

  /** @param {boolean} open */
  #open(open) {
    this.#panel.hidden = !open;
    this.#toggle.setAttribute('aria-expanded', String(open));
    if (open) byId('training-title').focus({ preventScroll: true });
  }

  /** @param {Event} event */
  #onKey(event) {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (byId('key'));
    this.use(input.value.trim());
    input.value = '';
  }

  /** @param {string} why '' when it was wished */
  #forget(why) {
    this.#session.abort();
    this.#key = this.#job = this.#following = null;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    write(sessionStorage, KEY, null);
    byId('key-form').hidden = false;
    byId('desk').hidden = true;
    byId('key-problem').textContent = why;
    byId('training-short').textContent = '';
  }

  /** Looks every few seconds, also while a job that runs is followed live: models and plans change besides, by other people, too. */
  async #start() {
    this.#session.abort();
    this.#session = new AbortController();
    const { signal } = this.#session;
    this.#following = null; // whoever followed goes with the session
    byId('key-problem').textContent = '';
    while (!signal.aborted) {
      if (!document.hidden) await this.#look();
      await pause(POLL_MS, signal);
    }
  }

  async #look() {
    try {
      const desk = await this.#admin(
        /** @type {{ jobs: Job[], models: Model[], servable: Model[], retraining: Retraining }} */ ({}),
        DESK,
      );
      if (this.#away) this.#problem('');
      this.#away = false;
      byId('key-form').hidden = true;
      byId('desk').hidden = false;
      this.#showModels(together(desk.models, desk.servable));
      byId('next-training').textContent = nextTraining(desk.retraining);
      const [job] = desk.jobs;
      if (job && !this.#following) {
        this.#show(job);
        if (!isSettled(job)) this.#follow(job.id);
      }
      await this.#lookAtFeedback();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #lookAtFeedback() {
    if (performance.now() - this.#askedAt < FEEDBACK_MS) return;
    this.#askedAt = performance.now();
    const { feedbackHealth, clickThrough } = await this.#admin(
      /** @type {{ feedbackHealth: Health, clickThrough: { versions: VersionRate[] } }} */ ({}),
      `{ ${FEEDBACK} }`,
    );
    byId('feedback-facts').textContent = feedbackFacts(feedbackHealth, clickThrough.versions, this.#activeId);
  }

  /** @param {Model[]} models */
  #showModels(models) {
    this.#models.show(models);
    const active = models.find((model) => model.state === 'ACTIVE');
    if (!active) return;
    this.#onModel(titleOf(active), this.#activeId !== null && this.#activeId !== active.id);
    if (this.#activeId !== active.id) this.#askedAt = Number.NEGATIVE_INFINITY; // what is told is of another one
    this.#activeId = active.id;
  }

  /** @param {Job} job */
  #show(job, reconnecting = false) {
    if (this.#job?.id === job.id && this.#job.state !== job.state) announce(sentenceOf(job));
    this.#job = job;
    showJob(job, { reconnecting });
    byId('training-short').textContent = isSettled(job) ? '' : ` ${shareOf(job)}`;
    byId('retrain-button').setAttribute('aria-disabled', String(!isSettled(job))); // `disabled` would drop the focus
  }

  /** To the job's end, over lost connections. @param {string} id */
  async #follow(id) {
    if (this.#following === id) return;
    this.#following = id;
    const { signal } = this.#session;
    const options = { key: this.#key ?? '', signal };
    for (let failures = 0; !signal.aborted && this.#following === id; failures++) {
      try {
        const states = /** @type {typeof subscribe<{ jobProgress: Job }>} */ (subscribe)(
          `${ADMIN}/stream`,
          PROGRESS,
          { id },
          options,
        );
        for await (const { jobProgress } of states) {
          failures = 0;
          this.#show(jobProgress);
          if (!isSettled(jobProgress)) continue;
          this.#following = null;
          break;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (/** @type {ApiError} */ (error).retry === false) {
          this.#following = null; // looking, every few seconds, takes over
          return this.#failed(error);
        }
        if (this.#job) this.#show(this.#job, true);
      }
      if (this.#following === id) await pause(Math.min(500 * 2 ** failures, 10_000), signal);
    }
    if (!signal.aborted) await this.#look();
  }

  /** @param {Event} event */
  async #onRetrain(event) {
    event.preventDefault();
    if (this.#following) return;
    const { value } = /** @type {HTMLSelectElement} */ (byId('seconds'));
    const input = { reason: 'asked for on the page', ...(value ? { seconds: Number(value) } : {}) };
    try {
      await this.#beforeRetrain();
      const { retrain } = await this.#admin(
        /** @type {{ retrain: { job: { id: string } | null, userErrors: UserError[] } }} */ ({}),
        RETRAIN,
        { input },
      );
      const id = retrain.job?.id ?? retrain.userErrors.find((problem) => problem.jobId)?.jobId;
      this.#problem(id ? '' : (retrain.userErrors[0]?.message ?? ''));
      if (id) this.#follow(id);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A mutation of which only the problems matter. @param {string} mutation @param {Record<string, unknown>} variables */
  async #act(mutation, variables) {
    try {
      const data = await this.#admin(
        /** @type {Record<string, { userErrors: UserError[] }>} */ ({}),
        mutation,
        variables,
      );
      const problem = Object.values(data)[0]?.userErrors[0];
      await this.#look();
      this.#problem(problem?.message ?? '');
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @template T @param {T} _shape of the answer @param {string} query @param {Record<string, unknown>} [variables] @returns {Promise<T>} */
  #admin(_shape, query, variables) {
    return ask(ADMIN, query, variables, { key: this.#key, signal: this.#session.signal });
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof ApiError)) {
      if (/** @type {Error} */ (error)?.name === 'AbortError') return;
      throw error;
    }
    if (error.code === 'UNAUTHENTICATED') this.#forget('This is not the admin key of this server.');
    else {
      this.#away = true;
      this.#problem(error.message);
    }
  }

  /** @param {string} sentence */
  #problem(sentence) {
    const place = byId(byId('desk').hidden ? 'key-problem' : 'desk-problem');
    if (place.textContent !== sentence) place.textContent = sentence; // an alert that stays is not said again
  }
}

/** Each once, newest first. @param {Model[][]} lists */
const together = (...lists) =>
  [...new Map(lists.flat().map((model) => [model.id, model])).values()].sort((a, b) => b.number - a.number);

/** @param {number} milliseconds @param {AbortSignal} signal ends the pause early */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve(undefined);
      },
      { once: true },
    );
  });
}
