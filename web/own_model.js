/** A file of the user's: looked at, asked about, and timed without leaving the browser. own_file_gate.js takes it in. */

import { byId, html } from './dom.js';
import { ZooError, explain } from './errors.js';
import { counted, megabytes } from './format.js';
import { openDimensions } from './own_model_inputs.js';
import { inspect } from './own_model_questions.js';

/** @import { OnnxInput } from './onnx_metadata.js' */
/** @import { OwnModel, OwnRun } from './own_model_types.js' */
/** @typedef {(model: OwnModel, dimensions: Readonly<Record<string, number>>) => void} OnStart */

/** Protocol Buffers' limit for a message, and about what an ArrayBuffer holds. */
const MOST_BYTES = 2 ** 31 - 1;
/** Long enough for a browser to begin saving. */
const SAVING_MS = 60_000;
const MOST_IN_A_DIMENSION = 2 ** 31 - 1;

/** The section of the page; what it shows is set through its methods. */
export class OwnModelPanel {
  /**
   * @param {{timeoutS: number, isBusy: () => boolean, onStart: OnStart}} options
   */
  constructor({ timeoutS, isBusy, onStart }) {
    this.timeoutS = timeoutS;
    this.isBusy = isBusy;
    this.form = byId('own-form', HTMLFormElement);
    this.start = byId('own-start', HTMLButtonElement);
    this.status = byId('own-status', HTMLElement);
    this.problem = byId('own-problem', HTMLElement);
    /** @type {OwnModel | null} */
    this.model = null;
    /** @type {OwnRun[]} */
    this.runs = [];
    /** Ends the reading of a file when another one comes. */
    this.reading = new AbortController();
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.model && !this.isBusy() && this.form.reportValidity()) onStart(this.model, this.readDimensions());
    });
    byId('own-save', HTMLButtonElement).addEventListener('click', () => this.save());
  }

  /**
   * Look at a file, and ask what it leaves open.
   * @param {readonly File[]} files
   */
  async take(files) {
    const [file] = files;
    if (!file) return;
    this.reading.abort();
    this.reading = new AbortController();
    const { signal } = this.reading;
    this.forget();
    try {
      if (this.isBusy()) throw refusal('A file was dropped while something is timed', file.name, 'files between runs', 'drop it again when the runs are over');
      if (files.length > 1) throw refusal('Several files were dropped', `${files.length} files`, 'one file', 'drop one of them');
      if (file.size > MOST_BYTES) throw refusal(`${file.name} is over 2 GB`, `${megabytes(file.size)} MB`, 'at most 2147 MB, which is as much as an ONNX file can be', 'choose a smaller model');
      this.status.textContent = `Reading ${file.name}…`;
      const { facts, sha256 } = await inspect(file, { timeoutS: this.timeoutS, signal });
      if (signal.aborted) return;
      this.show({ file, facts, sha256 });
    } catch (error) {
      if (!signal.aborted) this.complain(error instanceof ZooError || !(error instanceof Error) ? explain(error) : error.message);
    }
    byId('own-model', HTMLElement).scrollIntoView({ block: 'nearest' });
  }

  /**
   * What is wrong with the file, or with what was chosen for it.
   * @param {string} message
   */
  complain(message) {
    this.status.textContent = '';
    this.problem.textContent = message;
    this.problem.hidden = false;
  }

  /** @param {OwnModel} model */
  show(model) {
    const { file, facts } = model;
    const open = openDimensions(facts.inputs);
    const nodes = Object.values(facts.operators).reduce((sum, count) => sum + count, 0);
    this.status.textContent = `${file.name} has been read.`;
    byId('own-name', HTMLElement).textContent = file.name;
    byId('own-facts', HTMLElement).replaceChildren(
      ...pair('File', `${megabytes(file.size)} MB, opset ${facts.opset}, IR version ${facts.irVersion}, ${counted(nodes, 'node')}`),
      ...pair('Inputs', ...facts.inputs.map((input) => html('span', { class: 'line' }, inWords(input)))),
      ...pair('Outputs', facts.outputs.join(', ')),
    );
    byId('own-dimensions', HTMLElement).replaceChildren(...open.map(dimensionField));
    byId('own-open', HTMLElement).hidden = open.length === 0;
    this.model = model;
    this.form.hidden = false;
  }

  forget() {
    this.model = null;
    this.form.hidden = true;
    this.problem.hidden = true;
    this.status.textContent = '';
  }

  /**
   * The number for each open dimension.
   * @returns {Readonly<Record<string, number>>}
   */
  readDimensions() {
    const fields = [.../** @type {NodeListOf<HTMLInputElement>} */ (this.form.querySelectorAll('input'))];
    return Object.fromEntries(fields.map(({ name, valueAsNumber }) => [name, valueAsNumber]));
  }

  /**
   * A run that is over, kept for as long as the page is open.
   * @param {OwnRun} run
   */
  keep(run) {
    this.runs.push(run);
    byId('own-kept', HTMLElement).hidden = false;
  }

  /** Give the runs of own files as a file: nothing else keeps them. */
  save() {
    const content = new Blob([`${JSON.stringify(this.runs, null, 1)}\n`], { type: 'application/json' });
    const url = URL.createObjectURL(content);
    html('a', { href: url, download: 'own-files.json' }).click();
    // Firefox reads it only after this has returned.
    setTimeout(() => URL.revokeObjectURL(url), SAVING_MS);
  }
}

/** @param {OnnxInput} input */
function inWords({ name, type, dims }) {
  const shape = dims && dims.length > 0 ? dims.map((dim) => dim ?? '?').join(' × ') : 'one number';
  return `${name}: ${type}, ${shape}`;
}

/**
 * @param {string} term
 * @param {...(Node | string)} values
 */
function pair(term, ...values) {
  return [html('dt', {}, term), html('dd', {}, ...(values.length > 0 ? values : ['none']))];
}

/** @param {import('./own_model_inputs.js').OpenDimension} dimension */
function dimensionField({ key, label, value }, index = 0) {
  const id = `own-dimension-${index}`;
  return html(
    'p',
    { class: 'field' },
    html('label', { for: id }, label),
    html('input', { id, name: key, type: 'number', inputmode: 'numeric', min: 1, max: MOST_IN_A_DIMENSION, step: 1, value, required: true }),
  );
}

/**
 * @param {string} what
 * @param {string} got
 * @param {string} expected
 * @param {string} next
 */
function refusal(what, got, expected, next) {
  return new ZooError(what, { got, expected, next });
}
