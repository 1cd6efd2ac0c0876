/** Questions about a user's file, each put to a worker of its own, which is terminated afterwards. */

import { explain } from './errors.js';
import { ATTEMPTS, Watchdog, patienceS, saidNothing } from './supervisor.js';

/** @import { Failed, Inspected, OwnAnswer, OwnMessage, OwnRequest, Referenced, ReferenceRequest } from './own_model_types.js' */
/** @import { Stage } from './run_types.js' */

/** @typedef {{timeoutS: number, signal: AbortSignal}} Patience */

/** The worker did not begin in time. */
class NotBegun extends Error {}

/**
 * @param {File} file
 * @param {Patience} patience
 * @returns {Promise<Inspected>}
 * @throws {Error} whose message is for people
 */
export async function inspect(file, patience) {
  const answer = await ask({ kind: 'inspect', file }, patience);
  if (answer.kind !== 'inspected') throw new Error(answer.kind === 'failed' ? answer.message : 'The worker gave no answer');
  return answer;
}

/**
 * @param {ReferenceRequest} request
 * @param {Patience} patience
 * @returns {Promise<Referenced | Failed | null>} null when it was stopped
 */
export async function computeReference(request, patience) {
  const answer = await ask(request, patience);
  return answer.kind === 'reference' || answer.kind === 'failed' ? answer : null;
}

/**
 * @param {OwnRequest} request
 * @param {Patience} patience
 * @returns {Promise<OwnAnswer | {kind: 'stopped'}>}
 */
async function ask(request, patience) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(request, patience, attempt);
    } catch (error) {
      if (!(error instanceof NotBegun)) return { kind: 'failed', stage: 'start', message: explain(error) };
      console.warn(`own file, ${request.kind}: the worker said nothing while it started, and is begun anew.`);
    }
  }
}

/**
 * @param {OwnRequest} request
 * @param {Patience} patience
 * @param {number} attempt from 1
 * @returns {Promise<OwnAnswer | {kind: 'stopped'}>}
 * @throws {NotBegun}
 */
async function askOnce(request, { timeoutS, signal }, attempt) {
  if (signal.aborted) return { kind: 'stopped' };
  const worker = new Worker(new URL('./own_model_worker.js', import.meta.url), { type: 'module', name: `own file, ${request.kind}` });
  const watchdog = new Watchdog();
  const over = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ message) => resolve({ kind: 'failed', stage: 'start', message });
      const watch = (/** @type {Stage} */ stage) => {
        const seconds = patienceS(stage, attempt, timeoutS);
        watchdog.start(seconds, () => (seconds < timeoutS && attempt < ATTEMPTS ? reject(new NotBegun()) : fail(saidNothing(timeoutS))));
      };
      signal.addEventListener('abort', () => resolve({ kind: 'stopped' }), { signal: over.signal });
      worker.onerror = (event) => {
        event.preventDefault();
        fail(`The worker crashed: ${event.message || 'its script could not be loaded or run'}`);
      };
      worker.onmessageerror = () => fail('A message of the worker could not be read');
      worker.onmessage = (/** @type {MessageEvent<OwnMessage>} */ { data }) => {
        if (data.kind === 'stage') watch(data.stage);
        else resolve(data);
      };
      watch('start');
      worker.postMessage(request);
    });
  } finally {
    over.abort();
    watchdog.stop();
    worker.terminate();
  }
}
