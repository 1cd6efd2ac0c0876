/** Profiles on demand: one after another, each in a worker of its own, shown as soon as it is there. Loaded with the first one. */

import { nameInAddress } from './backend_options.js';
import { backendName } from './format.js';
import { randomUuid } from './identity.js';
import { ProfileSection } from './profile_section.js';
import { blankMeasurement } from './run_log.js';
import { Supervisor } from './supervisor.js';

/** @import { Config, Job, Measurement, PlannedRun, Progress, Settings } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { Control } from './hold.js' */
/** @import { LivePanel } from './live.js' */
/** @import { Profile, Profiled } from './profile_types.js' */
/** @typedef {{config: Config, settings: Settings, environment: Environment, timeBudgetS: number}} Surroundings */

const WARM_UP = 3;
const ITERATIONS = 10;
/** What onnxruntime-web 1.30 tells nothing of, and why. */
const NO_PROFILE = {
  webgl: "onnxruntime-web's WebGL backend has another profiler, which this page does not read",
  webnn: 'WebNN computes many operators as one, and tells the time of none of them',
};

/**
 * @param {readonly PlannedRun[]} plan
 * @param {Surroundings} surroundings
 * @param {LivePanel} panel
 * @param {Control} control
 * @returns {Promise<{done: number, failed: number, what: string}>} how many profiles were tried, and how many of them failed
 */
export async function profileRuns(plan, surroundings, panel, control) {
  const isProfiling = (/** @type {boolean} */ is) => document.documentElement.toggleAttribute('data-profiling', is);
  isProfiling(true);
  panel.open(plan.length);
  try {
    const outcomes = await profileEach(plan, surroundings, panel, control);
    return { done: outcomes.length, failed: outcomes.filter((isMade) => !isMade).length, what: 'profiled' };
  } finally {
    isProfiling(false);
  }
}

/**
 * @param {readonly PlannedRun[]} plan
 * @param {Surroundings} surroundings
 * @param {LivePanel} panel
 * @param {Control} control
 * @returns {Promise<readonly boolean[]>} of each that was tried, whether there is a profile
 */
async function profileEach(plan, surroundings, panel, { signal, gate }) {
  const section = new ProfileSection();
  /** @type {boolean[]} */
  const outcomes = [];
  for (const [index, planned] of plan.entries()) {
    await gate.whenRunning();
    if (signal.aborted) break;
    const { model, variant, option } = planned;
    const [runId, name] = [randomUuid(), `${model.title} ${variant.name} on ${backendName(option)}`];
    const shown = { name: `profile of ${name}`, model: model.id, backend: nameInAddress(option), position: index + 1 };
    panel.begin(runId, { ...shown, iterations: ITERATIONS, precision: null, heldTo: 'PyTorch' });
    const measured = await profileOne(planned, surroundings, signal, (progress) => panel.progress(runId, progress, null));
    panel.drop(runId);
    if (signal.aborted) break;
    outcomes.push(measured.error === null);
    if (measured.error) section.addFailure(name, measured.error.message);
    else section.add(model.title, profileOf(planned, /** @type {{profiled: Profiled}} */ (/** @type {unknown} */ (measured)).profiled, surroundings));
  }
  return outcomes;
}

/**
 * @param {PlannedRun} planned
 * @param {Surroundings} surroundings
 * @param {AbortSignal} signal
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Measurement>}
 */
async function profileOne({ model, variant, option }, { config, settings, timeBudgetS }, signal, onProgress) {
  const { backend, deviceType, threads } = option;
  /** @type {Job} */
  const job = {
    model,
    variant,
    backend,
    deviceType,
    threads,
    iterations: ITERATIONS,
    minTimeS: 0,
    precision: null,
    warmup: WARM_UP,
    timeBudgetS,
    endToEnd: 0,
    placement: false,
    runtime: 'onnxruntime-web',
    onnxruntimeWeb: config.onnxruntime_web,
    fake: settings.fake,
  };
  const blank = blankMeasurement(job);
  const impossible = option.blocked ?? NO_PROFILE[/** @type {'webgl' | 'webnn'} */ (backend)];
  if (impossible) return { ...blank, error: { stage: 'start', message: `${option.title} gives no profile here: ${impossible}.` } };
  const work = { script: './profile_worker.js', name: `profile of ${model.id}`, prepare: { kind: /** @type {const} */ ('prepare'), job }, blank, timeoutS: settings.timeoutS };
  const supervisor = new Supervisor(work, onProgress);
  const stop = () => supervisor.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await supervisor.prepare();
  } finally {
    signal.removeEventListener('abort', stop);
    supervisor.stop();
  }
}

/**
 * @param {PlannedRun} planned
 * @param {Profiled} profiled
 * @param {Surroundings} surroundings
 * @returns {Profile}
 */
function profileOf({ model, variant, option }, profiled, { config, environment }) {
  return Object.freeze({
    schema_version: 1,
    profiled_at: new Date().toISOString(),
    page_version: config.page_version,
    runtime: 'onnxruntime-web',
    model: model.id,
    variant: variant.name,
    model_sha256: variant.sha256,
    backend: option.backend,
    device_type: option.deviceType,
    browser: environment.browser,
    browser_version: environment.browser_version,
    timer_step_ms: environment.timer_step_ms,
    ...profiled,
  });
}
