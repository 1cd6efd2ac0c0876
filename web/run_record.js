/** From a measurement to the Run that is shown, kept and posted. */

import { randomUuid } from './identity.js';
import { warningsFor } from './warnings.js';

/** @import { Choice, Config, Device, Job, Measurement, PlannedRun, Run, Settings } from './types.js' */
/** @import { Environment } from './environment.js' */
/** What all runs of a batch have in common. */
/** @typedef {{config: Config, settings: Settings, environment: Environment, choice: Choice}} Conditions */
/** @typedef {{run_id: string, started_at: string}} Beginning */

/** @returns {Beginning} */
export function beginRun() {
  return { run_id: randomUuid(), started_at: new Date().toISOString() };
}

/**
 * What the worker is told.
 * @param {PlannedRun} planned
 * @param {Conditions} conditions
 * @returns {Job}
 */
export function jobFor({ model, variant, option }, { config, settings, choice }) {
  return {
    model,
    variant,
    backend: option.backend,
    threads: option.threads,
    iterations: choice.iterations,
    warmup: settings.warmup,
    timeBudgetS: settings.timeBudgetS,
    placement: settings.placement,
    runtime: settings.runtime,
    onnxruntimeWeb: config.onnxruntime_web,
    fake: settings.fake,
  };
}

/**
 * @param {Beginning} beginning
 * @param {Job} job
 * @param {Measurement} measurement
 * @param {Conditions} conditions
 * @param {boolean} wasHidden whether the page was hidden at any time of the run
 * @returns {Run}
 */
export function finishRun(beginning, job, { hashed, ...measured }, { config, environment, choice }, wasHidden) {
  /** @type {Device} */
  const device = { ...environment, device_name: choice.deviceName };
  return Object.freeze({
    schema_version: 1,
    ...beginning,
    page_version: config.page_version,
    runtime: job.runtime,
    model: job.model.id,
    variant: job.variant.name,
    model_sha256: job.variant.sha256,
    model_bytes: job.variant.bytes,
    weights: job.model.weights.kind,
    backend: job.backend,
    iterations_requested: job.iterations,
    time_budget_s: job.timeBudgetS,
    ...measured,
    warnings: warningsFor({ hashed, ...measured }, job, device, wasHidden),
    device,
  });
}
