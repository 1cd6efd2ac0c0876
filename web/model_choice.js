/** Where a network runs on its page: which of its files, on which backend. */

import { byId, html } from './dom.js';
import { megabytes } from './format.js';
import { predictedSupport } from './plan.js';

/** @import { ModelEntry, VariantEntry } from './manifest_types.js' */
/** @import { BackendOption } from './types.js' */

/** The two lists to choose from. */
export class RunsOn {
  /**
   * @param {ModelEntry} model
   * @param {readonly BackendOption[]} options
   * @param {() => void} onChange
   */
  constructor({ variants }, options, onChange) {
    this.variants = variants;
    this.options = options;
    this.file = byId('variant', HTMLSelectElement);
    this.backend = byId('backend', HTMLSelectElement);
    this.file.replaceChildren(...variants.map(({ name, bytes }) => html('option', { value: name }, `${name}, ${megabytes(bytes)} MB`)));
    byId('variant-field', HTMLElement).hidden = variants.length === 1;
    this.fillBackends();
    this.file.addEventListener('change', () => this.fillBackends());
    for (const list of [this.file, this.backend]) list.addEventListener('change', onChange);
  }

  /** A backend that cannot run here, or that is predicted to stop at the chosen file, says so. */
  fillBackends() {
    const before = this.backend.value;
    const choices = this.options.map(({ value, title, backend, blocked }) => {
      const stops = predictedSupport(this.variant(), backend)?.status === 'stops';
      const why = blocked ? 'not here' : stops ? 'cannot run this network' : '';
      return html('option', { value, disabled: why !== '' }, why ? `${title}: ${why}` : title);
    });
    this.backend.replaceChildren(...choices);
    const usable = choices.filter(({ disabled }) => !disabled);
    const kept = usable.find(({ value }) => value === before) ?? usable[0];
    if (kept) kept.selected = true;
  }

  /** @returns {VariantEntry} */
  variant() {
    return /** @type {VariantEntry} */ (this.variants.find(({ name }) => name === this.file.value) ?? this.variants[0]);
  }

  /** @returns {BackendOption | null} null where no backend can run the chosen file */
  option() {
    const [chosen] = this.backend.selectedOptions;
    return (chosen && !chosen.disabled && this.options.find(({ value }) => value === chosen.value)) || null;
  }

  /** @param {boolean} is */
  disable(is) {
    this.file.disabled = is;
    this.backend.disabled = is;
  }
}
