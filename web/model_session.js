/** A network in a worker of its own, as the model page uses it: opened and proven once, then asked about pictures. */

import { ZooError } from './errors.js';
import { ATTEMPTS, Watchdog, patienceS } from './supervisor.js';

/** @import { Answer } from './answers.js' */
/** @import { Verification } from './manifest_types.js' */
/** @import { LookProgress, LookReply, LookRequest, OpenRequest } from './model_worker_types.js' */
/** @import { Pixels } from './preprocess.js' */
/** @import { EndToEnd } from './run_types.js' */

/** What the last beginning may take that says nothing; how long the others may is the rule of all workers. */
const TIMEOUT_S = 300;

/** One network, proven on this device. */
export class ModelSession {
  /**
   * @param {Worker} worker
   * @param {{runtime: string, verification: Verification, answer: Answer}} opened
   */
  constructor(worker, { runtime, verification, answer }) {
    this.worker = worker;
    this.runtime = runtime;
    this.verification = verification;
    /** What it says of the photograph. */
    this.answer = answer;
  }

  /**
   * @param {OpenRequest} request
   * @param {{onProgress: (progress: LookProgress) => void, signal: AbortSignal}} options
   * @returns {Promise<ModelSession>}
   * @throws {Error} when it cannot be opened, its outputs are wrong, or `signal` stops it
   */
  static async open(request, options) {
    for (let attempt = 1; ; attempt += 1) {
      const worker = new Worker(new URL('./model_worker.js', import.meta.url), { type: 'module', name: request.model.id });
      try {
        const reply = await ask(worker, request, options, patienceS('start', attempt, TIMEOUT_S));
        if (reply.kind === 'opened') return new ModelSession(worker, reply);
        throw new Error(`the worker answered ${reply.kind}`);
      } catch (error) {
        worker.terminate();
        if (!(error instanceof Silent) || attempt === ATTEMPTS) throw error;
        console.warn(`The worker of ${request.model.id} said nothing while it started, and is begun anew.`);
      }
    }
  }

  /**
   * @param {Pixels} pixels
   * @param {{onProgress: (progress: LookProgress) => void, signal: AbortSignal}} options
   * @returns {Promise<{answer: Answer, times: EndToEnd}>}
   * @throws {Error} when it fails, or `signal` stops it; a session that was stopped is closed
   */
  async look(pixels, options) {
    const { data, width, height } = pixels; // an ImageData would carry its colour space along
    const reply = await ask(this.worker, { kind: 'look', pixels: { data, width, height } }, options);
    if (reply.kind !== 'looked') throw new Error(`the worker answered ${reply.kind}`);
    return reply;
  }

  /** Give its memory back. */
  close() {
    this.worker.terminate();
  }
}

/** The worker said nothing for a long time while it started. */
class Silent extends Error {}

/**
 * One request, and the reply that ends it.
 * @param {Worker} worker
 * @param {LookRequest} request
 * @param {{onProgress: (progress: LookProgress) => void, signal: AbortSignal}} options
 * @param {number} [startPatienceS] how long it may say nothing until the network itself is at work
 * @returns {Promise<LookReply>}
 */
async function ask(worker, request, { onProgress, signal }, startPatienceS = TIMEOUT_S) {
  signal.throwIfAborted();
  const watchdog = new Watchdog();
  const listening = new AbortController();
  const { signal: over } = listening;
  try {
    return await new Promise((resolve, reject) => {
      const silent = () => reject(new Silent(`The worker said nothing for ${startPatienceS} s while it started`));
      const expectSoon = () => watchdog.start(startPatienceS, silent);
      if (request.kind === 'open') expectSoon();
      signal.addEventListener('abort', () => {
        worker.terminate();
        reject(signal.reason);
      }, { signal: over });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        reject(crashed(event.message));
      }, { signal: over });
      worker.addEventListener('message', (/** @type {MessageEvent<LookReply>} */ { data }) => {
        watchdog.stop();
        if (data.kind === 'failed') return reject(new Error(data.message));
        if (data.kind !== 'progress') return resolve(data);
        if (data.stage === 'start' || data.stage === 'runtime') expectSoon();
        return onProgress(data);
      }, { signal: over });
      worker.postMessage(request);
    });
  } finally {
    watchdog.stop();
    listening.abort();
  }
}

/** @param {string} message */
function crashed(message) {
  return new ZooError('The worker crashed', {
    got: message || 'its script could not be loaded or run',
    expected: 'a worker that answers',
    next: 'try again; on a phone close other pages first, because memory may be short',
  });
}
