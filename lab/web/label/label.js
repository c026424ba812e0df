/**
 * @typedef {{ number: number, query: number, a: number, b: number }} Question
 * @typedef {{
 *   rater: string, total: number, done: number, next: Question[], canUndo: boolean, triplets: number,
 *   agreement: { questions: number, observed: number, alpha: number } | null,
 * }} State
 */

/** @type {Record<string, string>} */
const KEYS = { ArrowLeft: 'a', a: 'a', ArrowRight: 'b', b: 'b', ArrowUp: 'both', ArrowDown: 'neither' };

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 */
const byId = (id) => /** @type {T} */ (/** @type {unknown} */ (document.getElementById(id)));

/** @type {Question | undefined} */
let asked;
/** One answer at a time: a key that is held down answers once. */
let busy = true;

/** @param {State} state */
function show(state) {
  const [now, after] = state.next;
  asked = now;
  byId('question').hidden = !now;
  byId('done').hidden = Boolean(now);
  /** @type {HTMLButtonElement} */ (byId('undo')).disabled = !state.canUndo;
  const progress = /** @type {HTMLProgressElement} */ (byId('progress'));
  progress.max = Math.max(1, state.total);
  progress.value = state.done;
  const { agreement } = state;
  const agreed = agreement
    ? `; of ${agreement.questions} that others answered too ${Math.round(100 * agreement.observed)} % agree (alpha ${agreement.alpha.toFixed(2)})`
    : '';
  byId('status').textContent = `${state.rater}: ${state.done} of ${state.total}, ${state.triplets} triplets${agreed}`;
  if (now) {
    for (const name of /** @type {const} */ (['query', 'a', 'b'])) {
      /** @type {HTMLImageElement} */ (byId(name)).src = `/picture/${now[name]}`;
    }
  }
  if (after) for (const picture of [after.query, after.a, after.b]) new Image().src = `/picture/${picture}`;
}

/**
 * @param {string} path
 * @param {object} [body] sent with POST; nothing: GET
 */
async function ask(path, body) {
  busy = true;
  try {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(path, body ? post : {});
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    show(answer);
    byId('problem').textContent = '';
  } catch (error) {
    byId('problem').textContent = `Not saved: ${error instanceof Error ? error.message : error}`;
  } finally {
    busy = false;
  }
}

/** @param {string} answer */
function give(answer) {
  if (!busy && asked) ask('/answer', { question: asked.number, answer });
}
function undo() {
  if (!busy) ask('/undo', {});
}

for (const button of document.querySelectorAll('button[data-answer]')) {
  button.addEventListener('click', () => give(/** @type {HTMLElement} */ (button).dataset.answer ?? ''));
}
byId('undo').addEventListener('click', undo);
document.addEventListener('keydown', (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const answer = KEYS[event.key];
  if (answer) give(answer);
  else if (event.key === 'u' || event.key === 'Backspace') undo();
  else return;
  event.preventDefault();
});
ask('/state');
