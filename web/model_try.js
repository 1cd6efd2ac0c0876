/** Trying a network on a picture: what it is given, where it runs, how far it is, and what it says. */

import { timingPage } from './addresses.js';
import { answersPictures } from './answers.js';
import { byId, html } from './dom.js';
import { download } from './download.js';
import { ZooError, explain } from './errors.js';
import { megabytes, milliseconds, verdict } from './format.js';
import { answerInWords, answerList, boxes } from './model_answers.js';
import { RunsOn } from './model_choice.js';
import { PictureSources } from './model_picture.js';
import { showSeen } from './model_seen.js';
import { ModelSession } from './model_session.js';
import { photographPixels } from './photograph.js';

/** @import { Answer } from './answers.js' */
/** @import { ModelEntry } from './manifest_types.js' */
/** @import { LookProgress, LookStage } from './model_worker_types.js' */
/** @import { Picture } from './picture.js' */
/** @import { EndToEnd } from './run_types.js' */
/** @import { BackendOption, Config } from './types.js' */

const STAGES = /** @type {Readonly<Record<LookStage, string>>} */ ({
  start: 'Starting a worker',
  download: 'Downloading the network',
  runtime: 'Starting onnxruntime-web',
  session: 'Making the network ready',
  proof: 'Checking it against PyTorch on the photograph',
  look: 'Looking at the picture',
});
const PHOTOGRAPH = 'The shipped photograph';

/** The section of the page that runs the network. */
export class TryPanel {
  /**
   * @param {ModelEntry} model one that `answersPictures`
   * @param {Config} config
   * @param {readonly BackendOption[]} options
   */
  constructor(model, config, options) {
    this.model = model;
    this.config = config;
    this.button = byId('ask', HTMLButtonElement);
    this.stop = byId('ask-stop', HTMLButtonElement);
    /** @type {Picture | null} null until the photograph is there */
    this.picture = null;
    this.isPhotograph = true;
    /** @type {ModelSession | null} */
    this.session = null;
    /** @type {AbortController | null} while it is at work */
    this.work = null;
    this.again = false;
    /** @type {readonly string[] | null} */
    this.labels = null;
    this.runsOn = new RunsOn(model, options, () => this.drop());
    byId('seeded', HTMLElement).hidden = model.weights.kind !== 'seeded';
    this.button.addEventListener('click', () => void this.ask());
    this.stop.addEventListener('click', () => this.work?.abort(new Stopped()));
    this.sources = new PictureSources({
      onPicture: (picture, name) => this.show(picture, name, false),
      onPhotograph: () => void this.showPhotograph(),
      onProblem: (message) => this.complain(message),
    });
    this.describe();
  }

  /** Say what the button does. */
  describe() {
    const size = `${megabytes(this.runsOn.variant().bytes)} MB`;
    byId('ask-note', HTMLElement).textContent = this.session
      ? 'It is ready: every further picture is looked at as soon as it is there.'
      : `Loads ${size} once, checks it against PyTorch on the shipped photograph, then looks at the picture.`;
    this.button.hidden = this.session !== null || this.work !== null;
    this.button.disabled = this.runsOn.option() === null;
    this.stop.hidden = this.work === null;
    this.runsOn.disable(this.work !== null);
  }

  /** The photograph, which is shown before anything is asked for. */
  async showPhotograph() {
    try {
      const pixels = await photographPixels();
      this.show({ pixels, width: pixels.width, height: pixels.height }, PHOTOGRAPH, true);
    } catch (error) {
      this.complain(explain(error));
    }
  }

  /**
   * A picture to be looked at: at once where the network is there.
   * @param {Picture} picture
   * @param {string} name
   * @param {boolean} isPhotograph
   */
  show(picture, name, isPhotograph) {
    this.picture = picture;
    this.isPhotograph = isPhotograph;
    this.forget();
    showSeen(picture, name, this.model.input);
    if (!isPhotograph) byId('frame', HTMLElement).scrollIntoView({ block: 'nearest' });
    if (this.session || this.work) void this.ask();
  }

  /** Look at the picture that is shown, and at the one that has come meanwhile. */
  async ask() {
    if (this.work) {
      this.again = true;
      return;
    }
    const work = new AbortController();
    this.work = work;
    this.describe();
    try {
      do {
        this.again = false;
        this.forget();
        await this.askOnce(work.signal);
      } while (this.again);
    } catch (error) {
      this.session?.close();
      this.session = null;
      if (error instanceof Stopped) this.forget();
      else this.complain(error instanceof ZooError || !(error instanceof Error) ? explain(error) : error.message);
    } finally {
      this.work = null;
      this.progress(null);
      this.describe();
    }
  }

  /** @param {AbortSignal} signal */
  async askOnce(signal) {
    const options = { signal, onProgress: (/** @type {LookProgress} */ progress) => this.progress(progress) };
    this.progress({ stage: 'start', done: 0, total: null, waiting: null });
    this.labels ??= await fetchLabels(this.model);
    this.session ??= await ModelSession.open(this.request(), options);
    const { picture, isPhotograph } = this;
    if (!picture) throw new Error('there is no picture yet');
    if (isPhotograph) return this.tell(this.session.answer, null);
    const { answer, times } = await this.session.look(picture.pixels, options);
    if (!this.again) this.tell(answer, times);
  }

  /** @returns {import('./model_worker_types.js').OpenRequest} */
  request() {
    const { backend, deviceType, threads } = /** @type {BackendOption} */ (this.runsOn.option());
    return { kind: 'open', model: this.model, variant: this.runsOn.variant(), backend, deviceType, threads, onnxruntimeWeb: this.config.onnxruntime_web };
  }

  /**
   * @param {Answer} answer
   * @param {EndToEnd | null} times null where the answer was there already
   */
  tell(answer, times) {
    const labels = this.labels ?? [];
    byId('answer', HTMLElement).replaceChildren(...answerList(answer, labels), ...this.proof(times));
    byId('overlay', HTMLElement).replaceChildren(...boxes(answer, labels));
    byId('ask-told', HTMLElement).textContent = answerInWords(answer, labels);
    byId('ask-status', HTMLElement).textContent = '';
  }

  /**
   * Why the answer can be believed, and how long it took this once.
   * @param {EndToEnd | null} times
   */
  proof(times) {
    if (!this.session) return [];
    const { outcome, words, tolerance } = verdict([this.session.verification]);
    const proof = html('p', { class: 'proof' }, html('span', { 'data-outcome': outcome }, words), ` on the photograph, here and now, by ${this.session.runtime}: ${tolerance}.`);
    if (!times) return [proof];
    const { preprocess_ms: before, inference_ms: inference, postprocess_ms: after } = times;
    const parts = `Preprocessing ${milliseconds(before)} ms, inference ${milliseconds(inference)} ms, post-processing ${milliseconds(after)} ms, this once. `;
    return [proof, html('p', { class: 'quiet' }, parts, html('a', { href: timingPage(this.model.id) }, 'Time it properly'), '.')];
  }

  /** @param {LookProgress | null} progress null when nothing is under way */
  progress(progress) {
    const bar = byId('ask-bar', HTMLProgressElement);
    bar.hidden = progress === null;
    const detail = byId('ask-detail', HTMLElement);
    if (!progress) {
      detail.textContent = '';
      return;
    }
    const { stage, done, total, waiting } = progress;
    const status = byId('ask-status', HTMLElement);
    if (status.textContent !== `${STAGES[stage]}…`) status.textContent = `${STAGES[stage]}…`;
    detail.textContent = waiting ?? (total && done > 0 ? `${megabytes(done)} of ${megabytes(total)} MB` : '');
    if (total && done > 0) bar.value = done / total;
    else bar.removeAttribute('value');
  }

  /** @param {string} message */
  complain(message) {
    const problem = byId('ask-problem', HTMLElement);
    problem.textContent = message;
    problem.hidden = false;
    problem.scrollIntoView({ block: 'nearest' });
    byId('ask-status', HTMLElement).textContent = '';
  }

  /** What was said of another picture. */
  forget() {
    byId('ask-problem', HTMLElement).hidden = true;
    byId('answer', HTMLElement).replaceChildren();
    byId('overlay', HTMLElement).replaceChildren();
    for (const id of ['ask-status', 'ask-told']) byId(id, HTMLElement).textContent = '';
  }

  /** Another file or backend is chosen: what was opened is of no use. */
  drop() {
    this.session?.close();
    this.session = null;
    this.forget();
    this.describe();
  }
}

/** The person pressed Stop. */
class Stopped extends Error {}

/**
 * Make the panel for a network that can be tried, or say why it cannot.
 * @param {ModelEntry} model
 * @param {Config} config
 * @param {() => Promise<readonly BackendOption[]>} readOptions
 */
export async function wireTry(model, config, readOptions) {
  if (!answersPictures(model)) {
    const why = model.input.preprocessing ? 'What its outputs mean is not known' : 'Its input is no picture';
    byId('try', HTMLElement).replaceChildren(html('h2', { id: 'try-title' }, 'Try it'), html('p', { class: 'quiet' }, `${why}, so there is nothing to try here. It can be timed.`));
    return;
  }
  const panel = new TryPanel(model, config, await readOptions());
  await panel.showPhotograph();
}

/**
 * @param {ModelEntry} model
 * @returns {Promise<readonly string[]>}
 */
async function fetchLabels({ labels }) {
  const { bytes } = await download(labels, () => {});
  return JSON.parse(new TextDecoder().decode(bytes));
}
