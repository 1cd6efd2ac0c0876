/** Profiles on demand: one after another, each in a worker of its own, shown as soon as it is there. Loaded with the first one. */

import { backendName, megabytes } from './format.js';
import { ProfileSection } from './profile_section.js';
import { blankMeasurement } from './run_log.js';
import { Supervisor } from './supervisor.js';

/** @import { Config, Job, Measurement, PlannedRun, Progress, Settings } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { PauseGate } from './pause.js' */
/** @import { Profile, Profiled } from './profile_types.js' */
/** @typedef {{config: Config, settings: Settings, environment: Environment}} Surroundings */
/** @typedef {{signal: AbortSignal, gate: PauseGate}} Control */

/** What onnxruntime-web 1.30 tells nothing of, and why. */
const NO_PROFILE = {
  webgl: "onnxruntime-web's WebGL backend has another profiler, which this page does not read",
  webnn: 'WebNN computes many operators as one, and tells the time of none of them',
};

/**
 * @param {readonly PlannedRun[]} plan
 * @param {Surroundings} surroundings
 * @param {(text: string | null) => void} say what is going on
 * @param {Control} control
 * @returns {Promise<{done: number, failed: number}>} how many profiles were tried, and how many of them failed
 */
export async function profileRuns(plan, surroundings, say, { signal, gate }) {
  const section = new ProfileSection();
  let [done, failed] = [0, 0];
  for (const planned of plan) {
    if (gate.isPaused) say('Paused.');
    await gate.whenRunning();
    if (signal.aborted) break;
    const name = `${planned.model.title} ${planned.variant.name} on ${backendName(planned.option)}`;
    const measured = await profileOne(planned, surroundings, signal, (progress) => say(`Profiling ${name}: ${inWords(progress)}`));
    if (signal.aborted) break;
    done += 1;
    if (measured.error) {
      failed += 1;
      section.addFailure(name, measured.error.message);
    } else {
      section.add(planned.model.title, profileOf(planned, /** @type {{profiled: Profiled}} */ (/** @type {unknown} */ (measured)).profiled, surroundings));
    }
  }
  say(null);
  return { done, failed };
}

/**
 * @param {PlannedRun} planned
 * @param {Surroundings} surroundings
 * @param {AbortSignal} signal
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Measurement>}
 */
async function profileOne({ model, variant, option }, { config, settings }, signal, onProgress) {
  const { backend, deviceType, threads } = option;
  /** @type {Job} */
  const job = {
    model,
    variant,
    backend,
    deviceType,
    threads,
    iterations: 0,
    minTimeS: 0,
    precision: null,
    warmup: null,
    timeBudgetS: settings.timeBudgetS,
    endToEnd: 0,
    placement: false,
    runtime: 'onnxruntime-web',
    onnxruntimeWeb: config.onnxruntime_web,
    fake: settings.fake,
  };
  const blank = blankMeasurement(job);
  const impossible = option.blocked ?? NO_PROFILE[/** @type {'webgl'} */ (backend)];
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

/** @param {Progress} progress */
function inWords({ stage, done, total, waiting }) {
  if (waiting) return waiting;
  if (stage === 'download') return `downloading ${megabytes(done)} of ${megabytes(total)} MB`;
  if (stage === 'warm_up') return `warming up, ${done} of ${total}`;
  if (stage === 'sampling') return `inference ${done} of ${total}`;
  if (stage === 'final_check') return 'comparing the outputs, reading the profile';
  return stage === 'first_inference' ? 'first inference' : stage === 'session' ? 'creating the session' : 'starting';
}
