/** The form: which networks, which backends, how often, on what device. */

import { byId, html } from './dom.js';
import { counted, gigaMacs, megabytes } from './format.js';
import { isLight, planRuns, skippedRuns } from './plan.js';

/** @import { Manifest, ModelEntry } from './manifest_types.js' */
/** @import { BackendOption, Choice, Settings } from './types.js' */

const TASKS = /** @type {Readonly<Record<ModelEntry['task'], string>>} */ ({
  classification: 'What is in the picture: classification',
  detection: 'Where things are: detection',
  other: 'Others',
});
/** How many of the runs that are left out are named; the support table has them all. */
const SKIPPED_NAMED = 2;

/** The form's elements, filled from what the server and the device offer. */
export class ChoiceForm {
  /**
   * @param {Manifest} manifest
   * @param {readonly BackendOption[]} options
   * @param {Settings} settings
   * @param {string} deviceName what to call the device until it is named
   */
  constructor(manifest, options, settings, deviceName) {
    this.form = byId('choices', HTMLFormElement);
    this.iterations = byId('iterations', HTMLInputElement);
    this.deviceName = byId('device-name', HTMLInputElement);
    this.manifest = manifest;
    this.options = options;
    this.settings = settings;
    const isModelChosen = (/** @type {ModelEntry} */ model) => settings.models?.includes(model.id) ?? isLight(model);
    const isBackendChosen = (/** @type {BackendOption} */ option) => settings.backends?.includes(option.value) ?? option.chosenByDefault;
    byId('models', HTMLElement).replaceChildren(...groups(manifest.models, isModelChosen));
    byId('backends', HTMLElement).replaceChildren(...options.map((option) => backendBox(option, isBackendChosen(option))));
    this.iterations.value = String(settings.iterations);
    this.deviceName.value = settings.deviceName ?? deviceName;
    byId('seeded-note', HTMLElement).hidden = manifest.models.every(({ weights }) => weights.kind !== 'seeded');
    this.form.addEventListener('input', () => this.describe());
    this.form.addEventListener('click', ({ target }) => this.choose(target instanceof HTMLElement ? target.dataset['choose'] : undefined));
    this.describe();
  }

  /** @returns {Choice} */
  read() {
    const checked = (/** @type {string} */ name) => this.boxes(name).filter((box) => box.checked).map((box) => box.value);
    return Object.freeze({
      models: checked('model'),
      backends: checked('backend'),
      iterations: this.iterations.valueAsNumber,
      deviceName: this.deviceName.value.trim(),
    });
  }

  /**
   * Whether the choice can be run; if not, the browser shows what is wrong.
   * @param {{withNetworks: boolean}} [options] without: for a file of the user's
   */
  isUsable({ withNetworks } = { withNetworks: true }) {
    const choice = this.read();
    const { models, backends, deviceName } = choice;
    const lacksModel = withNetworks && models.length === 0;
    const isAllLeftOut = withNetworks && planRuns(this.manifest, this.options, choice).length === 0;
    const backendComplaint = backends.length === 0 ? 'Choose a backend' : isAllLeftOut ? 'Choose a backend that can run these networks' : '';
    const complaint = lacksModel ? 'Choose a network' : backendComplaint;
    for (const box of [...this.boxes('model'), ...this.boxes('backend')]) box.setCustomValidity('');
    const firstBox = lacksModel ? this.boxes('model')[0] : this.boxes('backend').find((box) => !box.disabled);
    firstBox?.setCustomValidity(complaint);
    this.deviceName.setCustomValidity(deviceName ? '' : 'Give this device a name');
    return this.form.reportValidity();
  }

  /** Say in a line or two what the button would do, and what it leaves out. */
  describe() {
    const choice = this.read();
    const { models, backends, iterations } = choice;
    const runs = planRuns(this.manifest, this.options, choice).length;
    const what = `${counted(models.length, 'network')} on ${counted(backends.length, 'backend')}`;
    const length = `${counted(iterations || 0, 'timed inference')}, ${counted(this.settings.timeBudgetS, 'second')} a run at most`;
    const isChosen = models.length > 0 && backends.length > 0;
    const line = isChosen ? `${what}: ${counted(runs, 'run')} of ${length}.` : 'Choose a network and a backend below.';
    byId('plan', HTMLElement).textContent = [line, leftOut(skippedRuns(this.manifest, this.options, choice))].filter(Boolean).join(' ');
  }

  /**
   * Tick all networks, none, or the light ones.
   * @param {string | undefined} which
   */
  choose(which) {
    if (which === undefined) return;
    const light = this.manifest.models.filter(isLight).map(({ id }) => id);
    for (const box of this.boxes('model')) box.checked = which === 'all' || (which === 'light' && light.includes(box.value));
    this.describe();
  }

  /**
   * @param {string} name
   * @returns {HTMLInputElement[]}
   */
  boxes(name) {
    return [...this.form.querySelectorAll(`input[name=${name}]`)].filter((box) => box instanceof HTMLInputElement);
  }
}

/**
 * The runs that the plan leaves out, in words.
 * @param {readonly {title: string, backend: string}[]} skipped
 */
function leftOut(skipped) {
  if (skipped.length === 0) return '';
  const named = skipped.slice(0, SKIPPED_NAMED).map(({ title, backend }) => `${title} on ${backend}`);
  const more = skipped.length > SKIPPED_NAMED ? [`${skipped.length - SKIPPED_NAMED} more`] : [];
  return `Left out, because that backend cannot run them: ${[...named, ...more].join(', ')}.`;
}

/**
 * The networks by task, each group under its heading.
 * @param {readonly ModelEntry[]} models
 * @param {(model: ModelEntry) => boolean} isChosen
 */
function groups(models, isChosen) {
  return /** @type {ModelEntry['task'][]} */ (Object.keys(TASKS)).flatMap((task) => {
    const own = models.filter((model) => model.task === task);
    if (own.length === 0) return [];
    const id = `task-${task}`;
    const boxes = own.map((model) => modelBox(model, isChosen(model)));
    return [html('div', { role: 'group', class: 'task', 'aria-labelledby': id }, html('h3', { id }, TASKS[task]), html('div', { class: 'boxes' }, ...boxes))];
  });
}

/**
 * @param {ModelEntry} model
 * @param {boolean} checked
 */
function modelBox(model, checked) {
  const { id, title, input, weights, variants } = model;
  const bytes = variants.reduce((sum, variant) => sum + variant.bytes, 0);
  const facts = [
    input.preprocessing ? `${input.shape[3]}×${input.shape[2]}` : input.shape.join('×'),
    `${megabytes(bytes)} MB`,
    gigaMacs(Math.max(...variants.map(({ macs }) => macs))),
    isLight(model) ? '' : 'heavy',
    weights.kind === 'seeded' ? 'seeded weights' : '',
  ];
  const card = { type: 'button', class: 'plain card-button', 'data-card': id, 'aria-haspopup': 'dialog', 'aria-label': `Card of ${title}` };
  return html(
    'div',
    { class: 'box-row' },
    box({ name: 'model', value: id, title, note: facts.filter(Boolean).join(' · '), checked, disabled: false }),
    html('button', card, 'Card'),
  );
}

/**
 * @param {BackendOption} option
 * @param {boolean} checked
 */
function backendBox({ value, title, note, blocked }, checked) {
  const why = blocked && blocked.charAt(0).toUpperCase() + blocked.slice(1);
  return box({ name: 'backend', value, title, note: why ? `${why}.` : note, checked: checked && !blocked, disabled: blocked !== null });
}

/** @param {{name: string, value: string, title: string, note: string, checked: boolean, disabled: boolean}} parts */
function box({ name, value, title, note, checked, disabled }) {
  return html(
    'label',
    { class: 'box' },
    html('input', { type: 'checkbox', name, value, checked, disabled }),
    html('span', { class: 'box-text' }, html('span', { class: 'box-title' }, title), html('span', { class: 'box-note' }, note)),
  );
}
