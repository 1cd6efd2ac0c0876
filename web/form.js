/** The form: which networks, which backends, how often, on what device. */

import { byId, html } from './dom.js';
import { counted, megabytes } from './format.js';

/** @import { BackendOption, Choice, Manifest, ModelEntry, Settings } from './types.js' */

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
    this.settings = settings;
    const isModelChosen = (/** @type {string} */ id) => settings.models?.includes(id) ?? true;
    const isBackendChosen = (/** @type {BackendOption} */ option) => settings.backends?.includes(option.value) ?? option.chosenByDefault;
    byId('models', HTMLElement).replaceChildren(...manifest.models.map((model) => modelBox(model, isModelChosen(model.id))));
    byId('backends', HTMLElement).replaceChildren(...options.map((option) => backendBox(option, isBackendChosen(option))));
    this.iterations.value = String(settings.iterations);
    this.deviceName.value = settings.deviceName ?? deviceName;
    byId('seeded-note', HTMLElement).hidden = manifest.models.every(({ weights }) => weights.kind !== 'seeded');
    this.form.addEventListener('input', () => this.describe());
    this.describe();
  }

  /** @returns {Choice} */
  read() {
    const checked = (/** @type {string} */ name) =>
      [...this.form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => /** @type {HTMLInputElement} */ (box).value);
    return Object.freeze({
      models: checked('model'),
      backends: checked('backend'),
      iterations: this.iterations.valueAsNumber,
      deviceName: this.deviceName.value.trim(),
    });
  }

  /** Whether the choice can be run; if not, the browser shows what is wrong. */
  isUsable() {
    const { models, backends, deviceName } = this.read();
    const complaint = models.length === 0 ? 'Choose a network' : backends.length === 0 ? 'Choose a backend' : '';
    const firstBox = this.form.querySelector(models.length === 0 ? 'input[name=model]' : 'input[name=backend]:enabled');
    for (const box of this.form.querySelectorAll('input[type=checkbox]')) /** @type {HTMLInputElement} */ (box).setCustomValidity('');
    if (firstBox instanceof HTMLInputElement) firstBox.setCustomValidity(complaint);
    this.deviceName.setCustomValidity(deviceName ? '' : 'Give this device a name');
    return this.form.reportValidity();
  }

  /** Say in one line what the button would do. */
  describe() {
    const { models, backends, iterations } = this.read();
    const runs = models.length * backends.length;
    const what = `${counted(models.length, 'network')} on ${counted(backends.length, 'backend')}`;
    const length = `${counted(iterations || 0, 'timed inference')}, ${counted(this.settings.timeBudgetS, 'second')} a run at most`;
    byId('plan', HTMLElement).textContent =
      runs === 0 ? 'Choose a network and a backend below.' : `${what}: ${counted(runs, 'run')} of ${length}.`;
  }
}

/**
 * @param {ModelEntry} model
 * @param {boolean} checked
 */
function modelBox({ id, title, task, input, weights, variants }, checked) {
  const bytes = variants.reduce((sum, variant) => sum + variant.bytes, 0);
  const facts = [task, `${input.shape[3]}×${input.shape[2]}`, `${megabytes(bytes)} MB`, weights.kind === 'seeded' ? 'seeded weights' : ''];
  return box({ name: 'model', value: id, title, note: facts.filter(Boolean).join(' · '), checked, disabled: false });
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
