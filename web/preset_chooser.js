/** The form's question how thoroughly to measure: three presets, or numbers of one's own. */

import { byId, html } from './dom.js';
import { samplesInWords } from './format.js';
import { PRESETS, PRESET_NAMES } from './presets.js';

/** @import { Numbers } from './presets.js' */
/** @import { Preset, Settings } from './types.js' */

const OWN = 'own';
/** @type {Readonly<Record<Preset, {title: string, purpose: string}>>} */
const WORDS = {
  quick: { title: 'Quick look', purpose: 'a first impression of the light networks' },
  standard: { title: 'Standard', purpose: 'for comparing backends and devices' },
  thorough: { title: 'Thorough', purpose: 'for small differences, and for numbers to cite' },
};

/** Radio buttons, and fields that show the numbers of whichever is chosen. */
export class PresetChooser {
  /**
   * @param {Settings} settings
   * @param {() => void} onQuick called when the quick look is chosen
   */
  constructor(settings, onQuick) {
    this.place = byId('presets', HTMLElement);
    this.fields = byId('own-numbers', HTMLElement);
    this.iterations = byId('iterations', HTMLInputElement);
    this.minTime = byId('min-time', HTMLInputElement);
    this.precision = byId('precision', HTMLInputElement);
    this.timeBudget = byId('time-budget', HTMLInputElement);
    const chosen = settings.preset ?? OWN;
    this.place.replaceChildren(
      ...PRESET_NAMES.map((name) => radio(name, WORDS[name].title, noteOf(name), name === chosen)),
      radio(OWN, 'Numbers of your own', 'How many, over how long, how precisely.', OWN === chosen),
    );
    this.fill(settings);
    this.showFields();
    this.place.addEventListener('input', () => {
      const name = this.preset;
      if (name) this.fill(PRESETS[name]);
      if (name === 'quick') onQuick();
      this.showFields();
    });
    this.fields.addEventListener('input', () => this.choose(OWN));
  }

  /** @returns {Preset | null} null for numbers of one's own */
  get preset() {
    const value = /** @type {HTMLInputElement | null} */ (this.place.querySelector(':checked'))?.value;
    return PRESET_NAMES.find((name) => name === value) ?? null;
  }

  /** @returns {Numbers} */
  read() {
    const precision = this.precision.valueAsNumber;
    return {
      iterations: this.iterations.valueAsNumber,
      minTimeS: this.minTime.valueAsNumber,
      precision: Number.isNaN(precision) ? null : precision / 100,
      timeBudgetS: this.timeBudget.valueAsNumber,
    };
  }

  /**
   * Say beside each preset how long it would take.
   * @param {(numbers: Numbers) => string} timeOf
   */
  tellTimes(timeOf) {
    for (const name of PRESET_NAMES) {
      const place = this.place.querySelector(`[data-time-of="${name}"]`);
      if (place) place.textContent = timeOf(PRESETS[name]);
    }
  }

  /** @param {Numbers} numbers */
  fill({ iterations, minTimeS, precision, timeBudgetS }) {
    this.iterations.value = String(iterations);
    this.minTime.value = String(minTimeS);
    this.precision.value = precision === null ? '' : String(Number((100 * precision).toPrecision(6)));
    this.timeBudget.value = String(timeBudgetS);
  }

  /** @param {string} value */
  choose(value) {
    for (const input of this.place.querySelectorAll('input')) input.checked = input.value === value;
    this.showFields();
  }

  showFields() {
    this.fields.hidden = this.preset !== null;
  }
}

/** @param {Preset} name */
function noteOf(name) {
  return `${samplesInWords(PRESETS[name])}: ${WORDS[name].purpose}.`;
}

/**
 * @param {string} value
 * @param {string} title
 * @param {string} note
 * @param {boolean} checked
 */
function radio(value, title, note, checked) {
  const ids = { title: `preset-${value}`, time: `preset-${value}-time`, note: `preset-${value}-note` };
  const named = { 'aria-labelledby': ids.title, 'aria-describedby': `${ids.time} ${ids.note}` };
  const time = html('span', { class: 'box-time', id: ids.time, 'data-time-of': value });
  return html(
    'label',
    { class: 'box' },
    html('input', { type: 'radio', name: 'preset', value, checked, ...named }),
    html(
      'span',
      { class: 'box-text' },
      time,
      html('span', { class: 'box-title', id: ids.title }, title),
      html('span', { class: 'box-note', id: ids.note }, note),
    ),
  );
}
