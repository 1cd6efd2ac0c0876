/** The runs of a dropped file: a reference first, then a run on each backend, one after another, each in a worker of its own. */

import { watchVisibility } from './batch.js';
import { explain } from './errors.js';
import { HELD_TO } from './own_model_proof.js';
import { blankMeasurement } from './run_log.js';
import { beginRun } from './run_record.js';
import { Watchdog } from './supervisor.js';
import { warningsFor } from './warnings.js';

/** @import { Failed, Inspected, OwnAnswer, OwnModel, OwnRequest, OwnRun, Referenced, TimeRequest } from './own_model_types.js' */
/** @import { Conditions } from './run_record.js' */
/** @import { BackendOption, Device, Measurement, Progress, Stage } from './types.js' */

/** Operators whose outputs are drawn anew at every run (onnx.ai/onnx/operators). */
const RANDOM = ['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'];
export const VARIANT = 'own file, outputs not checked against a reference';

/**
 * Who is told how it goes.
 * @typedef {object} OwnListener
 * @property {(runId: string, option: BackendOption, index: number, total: number) => void} begun
 * @property {(said: string) => void} preparing
 * @property {(progress: Progress) => void} progressed
 * @property {(run: OwnRun) => void} finished
 * @property {(runId: string) => void} abandoned
 */

/**
 * @param {File} file
 * @param {{timeoutS: number, signal: AbortSignal}} patience
 * @returns {Promise<Inspected>}
 * @throws {Error} whose message is for people
 */
export async function inspect(file, patience) {
  const answer = await ask({ kind: 'inspect', file }, patience);
  if (answer.kind !== 'inspected') throw new Error(answer.kind === 'failed' ? answer.message : 'The worker gave no answer');
  return answer;
}

/**
 * Time a file on each backend. Where its outputs cannot be proven, every run fails with the reason.
 * @param {OwnModel} model
 * @param {Readonly<Record<string, number>>} dimensions by the key of each open dimension
 * @param {readonly BackendOption[]} options
 * @param {Conditions} conditions
 * @param {{listener: OwnListener, signal: AbortSignal}} surroundings
 * @returns {Promise<{done: number, failed: number}>}
 */
export async function runOwn(model, dimensions, options, conditions, { listener, signal }) {
  const patience = { timeoutS: conditions.settings.timeoutS, signal };
  /** @type {Referenced | Failed | null} */
  let reference = null;
  let [done, failed] = [0, 0];
  for (const [index, option] of options.entries()) {
    const beginning = beginRun();
    listener.begun(beginning.run_id, option, index, options.length);
    const visibility = watchVisibility();
    const request = timeRequest(model, dimensions, option, conditions);
    if (reference === null && !option.blocked) {
      listener.preparing(`Computing what the outputs are held to: ${HELD_TO}, 1 thread`);
      reference = await computeReference(request, patience);
    }
    const measured = await measure({ ...request, reference }, option, listener, patience);
    visibility.stop();
    if (measured === null) {
      listener.abandoned(beginning.run_id);
      break;
    }
    const run = ownRun(beginning, model, request, measured, conditions, visibility.wasHidden());
    done += 1;
    if (run.error) failed += 1;
    listener.finished(run);
    if (signal.aborted) break;
  }
  return { done, failed };
}

/**
 * @typedef {{timeoutS: number, signal: AbortSignal}} Patience
 * @typedef {Omit<TimeRequest, 'reference'>} Prepared
 */

/**
 * @param {Prepared} request
 * @param {Patience} patience
 * @returns {Promise<Referenced | Failed | null>} null when it was stopped
 */
async function computeReference({ file, inputs, dimensions, onnxruntimeWeb }, patience) {
  const answer = await ask({ kind: 'reference', file, inputs, dimensions, onnxruntimeWeb }, patience);
  return answer.kind === 'reference' || answer.kind === 'failed' ? answer : null;
}

/**
 * @param {Prepared & {reference: Referenced | Failed | null}} request null when it was stopped, or not needed
 * @param {BackendOption} option
 * @param {OwnListener} listener
 * @param {Patience} patience
 * @returns {Promise<Measurement | null>} null when it was stopped
 */
async function measure({ reference, ...request }, option, listener, patience) {
  let measured = blankMeasurement(request);
  const failure = (/** @type {Stage} */ stage, /** @type {string} */ message) =>
    /** @type {const} */ ({ ...measured, samples: [], stopped_by: 'error', error: { stage, message } });
  if (option.blocked) return failure('start', `${option.title} cannot run here: ${option.blocked}.`);
  if (reference === null) return null;
  if (reference.kind === 'failed') return failure(reference.stage, reference.message);
  /** @type {Stage} */
  let stage = 'start';
  const answer = await ask({ ...request, reference: reference.outputs }, patience, (progress, soFar) => {
    [measured, stage] = [soFar, progress.stage];
    listener.progressed(progress);
  });
  if (answer.kind === 'finished') return answer.measured;
  return answer.kind === 'failed' ? failure(stage, answer.message) : null;
}

/**
 * Put one request to a worker of its own, which is terminated afterwards.
 * @param {OwnRequest} request
 * @param {Patience} patience
 * @param {(progress: Progress, measured: Measurement) => void} [onProgress]
 * @returns {Promise<Exclude<OwnAnswer, {kind: 'progress'}> | {kind: 'stopped'}>}
 */
async function ask(request, { timeoutS, signal }, onProgress) {
  if (signal.aborted) return { kind: 'stopped' };
  const worker = new Worker(new URL('./own_model_worker.js', import.meta.url), { type: 'module', name: `own file, ${request.kind}` });
  const watchdog = new Watchdog(timeoutS);
  try {
    return await new Promise((resolve) => {
      const fail = (/** @type {string} */ message) => resolve({ kind: 'failed', stage: 'start', message });
      signal.addEventListener('abort', () => resolve({ kind: 'stopped' }), { once: true });
      watchdog.start(() => fail(`The worker said nothing for ${timeoutS} s and was stopped. The URL parameter timeout (in seconds) sets another patience.`));
      worker.onerror = (event) => {
        event.preventDefault();
        fail(`The worker crashed: ${event.message || 'its script could not be loaded or run'}`);
      };
      worker.onmessageerror = () => fail('A message of the worker could not be read');
      worker.onmessage = (/** @type {MessageEvent<OwnAnswer>} */ { data }) => {
        watchdog.pat();
        if (data.kind === 'progress') onProgress?.(data.progress, data.measured);
        else resolve(data);
      };
      worker.postMessage(request);
    });
  } catch (error) {
    return { kind: 'failed', stage: 'start', message: explain(error) };
  } finally {
    watchdog.stop();
    worker.terminate();
  }
}

/**
 * @param {OwnModel} model
 * @param {Readonly<Record<string, number>>} dimensions
 * @param {BackendOption} option
 * @param {Conditions} conditions
 * @returns {Prepared}
 */
function timeRequest({ file, facts }, dimensions, { backend, threads }, { config, settings, choice }) {
  return {
    kind: 'time',
    file,
    inputs: facts.inputs,
    dimensions,
    onnxruntimeWeb: config.onnxruntime_web,
    random: RANDOM.filter((operator) => Object.hasOwn(facts.operators, operator)),
    runtime: 'onnxruntime-web',
    backend,
    threads,
    iterations: choice.iterations,
    warmup: settings.warmup,
    timeBudgetS: settings.timeBudgetS,
  };
}

/**
 * @param {{run_id: string, started_at: string}} beginning
 * @param {OwnModel} model
 * @param {Prepared} request
 * @param {Measurement} measurement
 * @param {Conditions} conditions
 * @param {boolean} wasHidden
 * @returns {OwnRun}
 */
function ownRun(beginning, { file, sha256 }, request, { hashed, ...measured }, { config, environment, choice }, wasHidden) {
  /** @type {Device} */
  const device = { ...environment, device_name: choice.deviceName };
  return Object.freeze({
    schema_version: 1,
    ...beginning,
    page_version: config.page_version,
    runtime: request.runtime,
    model: file.name,
    variant: VARIANT,
    model_sha256: sha256,
    model_bytes: file.size,
    dimensions: request.dimensions,
    held_to: HELD_TO,
    backend: request.backend,
    iterations_requested: request.iterations,
    time_budget_s: request.timeBudgetS,
    ...measured,
    warnings: warningsFor({ hashed, ...measured }, request, device, wasHidden),
    device,
  });
}
