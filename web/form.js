/** The form: which networks, which backends, how thoroughly, on what device. */

import { modelPage } from './addresses.js';
import { byId, html } from './dom.js';
import { estimate } from './estimate.js';
import { counted, gigaMacs, megabytes, roughly, samplesInWords } from './format.js';
import { isLight, planRuns, skippedRuns } from './plan.js';
import { PresetChooser } from './preset_chooser.js';

/** @import { Manifest, ModelEntry } from './manifest_types.js' */
/** @import { Numbers } from './presets.js' */
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
    this.deviceName = byId('device-name', HTMLInputElement);
    this.manifest = manifest;
    this.options = options;
    this.settings = settings;
    const isModelChosen = (/** @type {ModelEntry} */ model) => settings.models?.includes(model.id) ?? isLight(model);
    const isBackendChosen = (/** @type {BackendOption} */ option) => settings.backends?.includes(option.value) ?? option.chosenByDefault;
    byId('models', HTMLElement).replaceChildren(...groups(manifest.models, isModelChosen));
    byId('backends', HTMLElement).replaceChildren(...options.map((option) => backendBox(option, isBackendChosen(option))));
    this.presets = new PresetChooser(settings, () => this.choose('light'));
    this.deviceName.value = settings.deviceName ?? deviceName;
    byId('seeded-note', HTMLElement).textContent = seededNote(manifest.models);
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
      ...this.presets.read(),
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

  /** Say in a line or two what the button would do, how long it takes, and what it leaves out. */
  describe() {
    const choice = this.read();
    const { models, backends } = choice;
    const plan = planRuns(this.manifest, this.options, choice);
    const timeOf = (/** @type {Numbers} */ numbers) => {
      const { seconds } = estimate(plan, numbers, this.settings);
      return plan.length > 0 && Number.isFinite(seconds) ? roughly(seconds) : '';
    };
    const { bytes } = estimate(plan, choice, this.settings);
    const runs = plan.length * this.settings.repeat;
    const what = `${counted(models.length, 'network')} on ${counted(backends.length, 'backend')}`;
    const time = timeOf(choice);
    const duration = time && `${time.replace(/^./, (letter) => letter.toUpperCase())}, after a download of ${megabytes(bytes)} MB.`;
    const isChosen = models.length > 0 && backends.length > 0;
    const lines = isChosen ? [`${what}: ${counted(runs, 'run')} of ${samplesInWords(choice)}.`, duration] : ['Choose a network and a backend below.'];
    byId('plan', HTMLElement).textContent = [...lines, leftOut(skippedRuns(this.manifest, this.options, choice))].filter(Boolean).join(' ');
    this.presets.tellTimes(timeOf);
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
  const isTold = models.some(({ weights }) => weights.kind !== 'seeded'); // where all are, the note beneath says so once
  return /** @type {ModelEntry['task'][]} */ (Object.keys(TASKS)).flatMap((task) => {
    const own = models.filter((model) => model.task === task);
    if (own.length === 0) return [];
    const id = `task-${task}`;
    const boxes = own.map((model) => modelBox(model, isChosen(model), isTold));
    return [html('div', { role: 'group', class: 'task', 'aria-labelledby': id }, html('h3', { id }, TASKS[task]), html('div', { class: 'boxes' }, ...boxes))];
  });
}

/** @param {readonly ModelEntry[]} models */
function seededNote(models) {
  const seeded = models.filter(({ weights }) => weights.kind === 'seeded').length;
  const which = seeded === models.length ? 'All of them have seeded weights,' : 'Seeded weights are';
  return seeded === 0 ? '' : `${which} random numbers of a sensible scale: the timing is real, the predictions mean nothing.`;
}

/**
 * @param {ModelEntry} model
 * @param {boolean} checked
 * @param {boolean} isTold whether to say that its weights are seeded
 */
function modelBox(model, checked, isTold) {
  const { id, title, input, weights, variants } = model;
  const bytes = variants.reduce((sum, variant) => sum + variant.bytes, 0);
  const facts = [
    input.preprocessing ? `${input.shape[3]}×${input.shape[2]}` : input.shape.join('×'),
    `${megabytes(bytes)} MB`,
    gigaMacs(Math.max(...variants.map(({ macs }) => macs))),
    isLight(model) ? '' : 'heavy',
    isTold && weights.kind === 'seeded' ? 'seeded weights' : '',
  ];
  const about = { href: modelPage(id), class: 'plain about', 'aria-label': `About ${title}` };
  return html(
    'div',
    { class: 'box-row' },
    box({ name: 'model', value: id, title, note: facts.filter(Boolean).join(' · '), checked, disabled: false }),
    html('a', about, 'About'),
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
