import { byId, make } from './dom.js';

/**
 * @typedef {{ triplets: number, precision: number }} Precision
 * @typedef {{ anchors: number, changed: number, newShare: number, examples: { anchorId: string, before: string[], after: string[] }[] }} ListChanges
 * @typedef {{ place: number, law: number, free: number, low: number, high: number }} ExaminedPlace
 * @typedef {{ placement: string, apart: number, places: ExaminedPlace[] }} Examination
 * @typedef {{ title: string, licence: string }} Encoder
 * @typedef {{ id: string, number: number, kind: 'GOLDEN' | 'NETWORK', state: string, createdAt: string, embedded: number,
 *   encoder: Encoder | null, encoderProblem: string | null, listChanges: ListChanges | null,
 *   metrics: { evaluation?: { structure?: Precision, clicks?: Precision }, examination?: Examination[] } | null,
 *   gates: { name: string, passed: boolean, measured: boolean, reason: string }[] }} Model
 */

export const MODEL_FIELDS = `fragment ModelFields on ModelVersion {
  id number kind state createdAt embedded metrics encoder { title licence } encoderProblem
  listChanges { anchors changed newShare examples { anchorId before after } } gates { name passed measured reason }
}`;

const KINDS = { GOLDEN: 'untrained', NETWORK: 'trained' };

/** @param {Pick<Model, 'number' | 'kind'>} model e.g. "Model 3 (trained)" */
export const titleOf = ({ number, kind }) => `Model ${number} (${KINDS[kind]})`;

/** The list of versions. What stays the same in it keeps the focus and what was unfolded: how many products have a vector changes all the time. */
export class ModelsView {
  #list = byId('models');
  /** By id. @type {Map<string, { told: string, element: HTMLElement, facts: HTMLElement }>} */
  #entries = new Map();
  #rollBack;

  /** @param {(model: Model) => void} rollBack */
  constructor(rollBack) {
    this.#rollBack = rollBack;
  }

  /** @param {Model[]} models newest first */
  show(models) {
    byId('models-empty').hidden = models.length > 0;
    this.#entries = new Map(models.map((model) => [model.id, this.#entryOf(model)]));
    const elements = [...this.#entries.values()].map(({ element }) => element);
    const { children } = this.#list;
    const stays = elements.length === children.length && elements.every((element, i) => element === children[i]);
    if (!stays) this.#list.replaceChildren(...elements);
  }

  /** @param {Model} model */
  #entryOf(model) {
    const told = JSON.stringify({ ...model, embedded: 0 });
    const known = this.#entries.get(model.id);
    const facts = known?.facts ?? make('p', { class: 'facts' });
    facts.textContent = factsOf(model);
    return known?.told === told ? known : { told, element: elementOf(model, facts, this.#rollBack), facts };
  }
}

/** @param {Model} model @param {HTMLElement} facts @param {(model: Model) => void} rollBack */
function elementOf(model, facts, rollBack) {
  const entry = make(
    'li',
    { 'data-state': model.state },
    make(
      'div',
      { class: 'row spread' },
      make('strong', {}, `Model ${model.number}`),
      make('span', { class: 'chip' }, model.state.toLowerCase()),
    ),
    facts,
    make('p', { class: 'facts' }, encoderOf(model)),
    make('p', { class: 'facts' }, precisionOf(model)),
    changesOf(model),
    ...(model.metrics?.examination ?? []).map(examinationOf),
    gatesOf(model),
  );
  if (model.state === 'STANDBY') {
    const button = make('button', { type: 'button', class: 'button small' }, `Roll back to model ${model.number}`);
    button.addEventListener('click', () => rollBack(model));
    entry.append(button);
  }
  return entry;
}

/** @param {Model} model */
function factsOf({ kind, createdAt, embedded }) {
  const made = new Date(createdAt).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return `${KINDS[kind]} · ${made} · ${embedded.toLocaleString()} products`;
}

/** The pretrained network that looks at the pictures, and its licence; or why none does. @param {Model} model */
function encoderOf({ encoder, encoderProblem }) {
  if (encoderProblem) return `Without its encoder: ${encoderProblem}`;
  return encoder ? `Pictures seen by ${encoder.title}, licence ${encoder.licence}` : '';
}

/** Share of triplets in the right order, and of how many: a handful says little. @param {Pick<Model, 'metrics'>} model on what training did not see */
export function precisionOf({ metrics }) {
  const share = (/** @type {string} */ of, /** @type {Precision | undefined} */ measured) =>
    measured && measured.triplets > 0
      ? `${of} ${(measured.precision * 100).toFixed(1)} % of ${measured.triplets.toLocaleString()}`
      : '';
  const shares = [
    share('categories', metrics?.evaluation?.structure),
    share('clicks', metrics?.evaluation?.clicks),
  ].filter(Boolean);
  return shares.length > 0 ? `Right order: ${shares.join(', ')}` : '';
}

/** Changes in lists beside the version that served before, and the lists that changed most. @param {Model} model */
function changesOf({ listChanges }) {
  if (!listChanges) return null;
  const line = changesLine(listChanges);
  if (listChanges.examples.length === 0) return make('p', { class: 'facts' }, line);
  return make(
    'details',
    {},
    make('summary', {}, line),
    make('ul', {}, ...listChanges.examples.map((example) => make('li', {}, exampleLine(example)))),
  );
}

/** @param {Pick<ListChanges, 'anchors' | 'changed' | 'newShare'>} changes e.g. "In 100 lists, 31 % of the products are new; 87 lists changed" */
export const changesLine = ({ anchors, changed, newShare }) =>
  `In ${anchors === 1 ? '1 list' : `${anchors} lists`}, ${Math.round(100 * newShare)} % of the products are new; ${changed === 1 ? '1 list' : `${changed} lists`} changed`;

/** @param {ListChanges['examples'][number]} example e.g. "Beside p-7: 5 of 12 products are new" */
export function exampleLine({ anchorId, before, after }) {
  const known = new Set(before);
  return `Beside ${anchorId}: ${after.filter((id) => !known.has(id)).length} of ${after.length} products are new`;
}

/** How far shoppers looked in a placement, by the law that feedback is read by and place by place. @param {Examination} examination */
function examinationOf({ placement, apart, places }) {
  return make(
    'details',
    {},
    make('summary', {}, examinationLine({ placement, apart, places })),
    make('ul', {}, ...places.map((one) => make('li', {}, placeLine(one)))),
  );
}

/** @param {Examination} examination e.g. "How far shoppers look (cart): 2 of 11 places are not as expected" */
export const examinationLine = ({ placement, apart, places }) =>
  `How far shoppers look${placement === 'default' ? '' : ` (${placement})`}: ${
    apart === 0 ? 'as expected' : `${apart} of ${places.length} places are not as expected`
  }`;

/** @param {ExaminedPlace} place e.g. "Place 2: looked at 81 % as often as the first; 70 to 78 % by itself" */
export const placeLine = ({ place, law, low, high }) =>
  `Place ${place}: looked at ${Math.round(100 * law)} % as often as the first; ${Math.round(100 * low)} to ${Math.round(100 * high)} % by itself`;

/** A gate that could not be measured says nothing, unless it is red for that: another version could be. @param {Model} model */
function gatesOf({ gates }) {
  if (gates.length === 0) return null;
  const judged = gates.filter(({ measured, passed }) => measured || !passed);
  const passed = judged.filter((gate) => gate.passed).length;
  const others = gates.length - judged.length;
  const summary = `${passed} of ${judged.length} quality gates passed`;
  return make(
    'details',
    { open: passed < judged.length },
    make('summary', {}, others > 0 ? `${summary}, ${others} not measured` : summary),
    make('ul', { class: 'gates' }, ...gates.map(gateOf)),
  );
}

/** @param {Model['gates'][number]} gate */
function gateOf({ name, passed, measured, reason }) {
  const [look, mark] = !passed ? ['failed', '✗'] : measured ? ['passed', '✓'] : ['', '–'];
  return make('li', { class: look }, `${mark} ${name}: ${reason}`);
}
