/** The page's side of a worker: what is ordered of it, and what becomes of one that hangs, dies or never begins. */

import { failed } from './run_log.js';

/** @import { Stage, StoppedBy } from './run_types.js' */
/** @import { LaterOrder, Measurement, Progress, Round, WorkerMessage } from './types.js' */

/**
 * `script`: of web/. `prepare`: the first order, as that script takes it. `blank`: a measurement of nothing yet.
 * @typedef {{script: string, name: string, prepare: {kind: 'prepare'}, blank: Measurement, timeoutS: number}} Work
 */

/** A tick longer than this means that the device slept or throttled the tab, not that the worker said nothing for so long. */
const LONGEST_TICK_S = 60;
/**
 * Until the runtime is ready, a worker that says nothing for a tenth of the timeout, and for 30 s at most, is begun anew: Firefox 153
 * under WebDriver BiDi now and then never delivers a script (1 of 40 runs), and an import cannot be tried again in the same worker. A
 * device that is that slow is waited for in the last attempt.
 */
const START_PATIENCE = { share: 0.1, leastS: 1, mostS: 30 };
export const ATTEMPTS = 3;
/** @type {readonly Stage[]} */
const STARTING = ['start', 'runtime'];

/**
 * One run's worker from its first order to its end. onnxruntime-web's memory only grows, and one failed start would poison the next, so
 * every run has its own. The methods never throw, and one at a time is called: each resolves to what is measured and proven so far,
 * with an error once the run has failed, after which nothing is asked of the worker any more.
 */
export class Supervisor {
  /**
   * @param {Work} work
   * @param {(progress: Progress) => void} onProgress
   * @param {(measured: Measurement) => boolean} [isEnough] whether all samples that were asked for are taken
   */
  constructor(work, onProgress, isEnough = () => false) {
    this.work = work;
    this.onProgress = onProgress;
    this.isEnough = isEnough;
    this.measured = work.blank;
    /** @type {Stage} */
    this.stage = 'start';
    this.attempts = 0;
    this.isOver = false;
    this.watchdog = new Watchdog();
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {(measured: Measurement) => void} */
    this.settle = () => {};
  }

  /** @returns {Promise<Measurement>} */
  prepare() {
    return this.pending(() => this.begin());
  }

  /**
   * @param {Round} round
   * @returns {Promise<Measurement>}
   */
  take(round) {
    return this.order({ kind: 'take', ...round }, 'sampling');
  }

  /**
   * From warm-up on once more.
   * @returns {Promise<Measurement>}
   */
  restart() {
    this.measured = { ...this.measured, samples: [], final_check: null };
    return this.order({ kind: 'restart' }, 'warm_up');
  }

  /**
   * @param {StoppedBy} stoppedBy
   * @returns {Promise<Measurement>}
   */
  finish(stoppedBy) {
    return this.order({ kind: 'finish', stoppedBy }, 'final_check');
  }

  /** The worker's end, whatever it is doing. An order that is under way resolves to what was proven before. */
  stop() {
    this.isOver = true;
    this.watchdog.stop();
    this.worker?.terminate();
    this.settle(this.measured);
  }

  /**
   * @param {LaterOrder} message
   * @param {Stage} stage that it begins with
   */
  order(message, stage) {
    return this.pending(() => {
      this.stage = stage;
      this.watchdog.start(this.work.timeoutS, () => this.onSilence());
      this.worker?.postMessage(message);
    });
  }

  /**
   * @param {() => void} begin
   * @returns {Promise<Measurement>}
   */
  pending(begin) {
    if (this.isOver) return Promise.resolve(this.measured);
    return new Promise((resolve) => {
      this.settle = (measured) => {
        this.watchdog.stop();
        resolve(measured);
      };
      begin();
    });
  }

  /** A new worker is given the first order. */
  begin() {
    this.attempts += 1;
    [this.stage, this.measured] = ['start', this.work.blank];
    const { script, name, prepare } = this.work;
    const worker = new Worker(new URL(script, import.meta.url), { type: 'module', name });
    worker.onerror = (event) => {
      event.preventDefault();
      this.fail(`The worker crashed: ${event.message || 'its script could not be loaded or run'}`);
    };
    worker.onmessageerror = () => this.fail('A message of the worker could not be read');
    worker.onmessage = ({ data }) => this.hear(data);
    this.worker = worker;
    this.watch();
    worker.postMessage(prepare);
  }

  /** @param {WorkerMessage} message */
  hear(message) {
    this.watchdog.pat();
    if (message.kind === 'alive') return;
    this.measured = message.measured;
    if (message.kind === 'done') {
      if (message.measured.error) this.stop();
      else this.settle(message.measured);
      return;
    }
    const isNew = this.stage !== message.progress.stage;
    this.stage = message.progress.stage;
    if (isNew) this.watch();
    this.onProgress(message.progress);
  }

  /** As much patience as the stage deserves. */
  watch() {
    this.watchdog.start(patienceS(this.stage, this.attempts, this.work.timeoutS), () => this.onSilence());
  }

  onSilence() {
    if (patienceS(this.stage, this.attempts, this.work.timeoutS) < this.work.timeoutS) {
      console.warn(`${this.work.name}: the worker said nothing while it started (stage ${this.stage}), and is begun anew.`);
      this.worker?.terminate();
      this.begin();
      return;
    }
    this.fail(saidNothing(this.work.timeoutS));
  }

  get isSampled() {
    return this.measured.samples.length > 0 && this.isEnough(this.measured);
  }

  /**
   * The worker is given up. Samples are in what is measured only once they are proven. Where they are all that were asked for, they stay:
   * what was still to come has nothing to do with them.
   * @param {string} message
   */
  fail(message) {
    if (this.isOver) return;
    if (this.stage === 'placement') console.warn(`Where the nodes ran is not known: ${message}`);
    else this.measured = this.isSampled ? { ...this.measured, end_to_end: [], end_to_end_failure: message } : failed(this.measured, this.stage, message);
    this.stop();
  }
}

/**
 * How long a worker may say nothing.
 * @param {Stage} stage
 * @param {number} attempt from 1
 * @param {number} timeoutS
 * @returns {number} seconds; less than the timeout: it is begun anew then
 */
export function patienceS(stage, attempt, timeoutS) {
  if (!STARTING.includes(stage) || attempt >= ATTEMPTS) return timeoutS;
  return Math.min(Math.max(timeoutS * START_PATIENCE.share, START_PATIENCE.leastS), START_PATIENCE.mostS, timeoutS);
}

/** @param {number} timeoutS */
export function saidNothing(timeoutS) {
  return `The worker said nothing for ${timeoutS} s and was stopped. The URL parameter timeout (in seconds) sets another patience.`;
}

/** Counts silence in ticks, so that a device that slept does not wake to find every run given up. */
export class Watchdog {
  constructor() {
    this.silentS = 0;
    this.timer = 0;
  }

  /**
   * @param {number} timeoutS
   * @param {() => void} onSilence called once
   */
  start(timeoutS, onSilence) {
    this.stop();
    this.silentS = 0;
    let before = performance.now();
    this.timer = window.setInterval(() => {
      const now = performance.now();
      this.silentS += Math.min((now - before) / 1000, LONGEST_TICK_S);
      before = now;
      if (this.silentS < timeoutS) return;
      this.stop();
      onSilence();
    }, Math.min(1000, timeoutS * 250));
  }

  /** The worker spoke. */
  pat() {
    this.silentS = 0;
  }

  stop() {
    window.clearInterval(this.timer);
  }
}
