/** From a measurement to the Run that is shown, kept and posted. */

import { warningsFor } from './warnings.js';

/** @import { Conditions, Device, Order, Run } from './run_types.js' */
/** @import { Asked, Choice, Config, Job, Measurement, PlannedRun, Settings } from './types.js' */
/** @import { Environment } from './environment.js' */
/** What all runs of a batch have in common. */
/** @typedef {{config: Config, settings: Settings, environment: Environment, choice: Choice}} Context */
/** @typedef {{run_id: string, started_at: string}} Beginning */
/** @typedef {{order: Order | null, conditions: Conditions | null}} Circumstances */

/**
 * How a run is to be measured, whatever it is that runs.
 * @param {PlannedRun['option']} option
 * @param {Context} context
 * @returns {Asked}
 */
export function askedOf({ backend, deviceType, threads }, { config, settings, choice }) {
  return {
    backend,
    deviceType,
    threads,
    iterations: choice.iterations,
    minTimeS: choice.minTimeS,
    precision: choice.precision,
    timeBudgetS: choice.timeBudgetS,
    warmup: settings.warmup,
    endToEnd: settings.endToEnd,
    placement: settings.placement,
    runtime: settings.runtime,
    onnxruntimeWeb: config.onnxruntime_web,
    fake: settings.fake,
  };
}

/**
 * What every Run says of how it was measured.
 * @param {Asked} asked
 * @param {Measurement} measurement
 * @param {Context} context
 * @param {Circumstances} circumstances
 */
export function measuredPart(asked, measurement, { config, settings, environment, choice }, { order, conditions }) {
  const { hashed, end_to_end_failure: failure, end_to_end_hidden: hidden, ...measured } = measurement;
  /** @type {Device} */
  const device = { ...environment, device_name: choice.deviceName, emulated: settings.emulated };
  const clockOffsetS = config.clock_offset_s;
  return {
    schema_version: /** @type {const} */ (2),
    page_version: config.page_version,
    runtime: asked.runtime,
    backend: asked.backend,
    device_type: asked.deviceType,
    threads_requested: asked.threads,
    iterations_requested: asked.iterations,
    min_time_s: asked.minTimeS,
    precision: asked.precision,
    time_budget_s: asked.timeBudgetS,
    ...measured,
    order,
    conditions,
    warnings: warningsFor(measurement, asked, device, { conditions, order, clockOffsetS }),
    device,
    fleet_id: settings.fleetId,
    clock_offset_s: clockOffsetS,
  };
}

/**
 * @param {Beginning} beginning
 * @param {Job} job
 * @param {Measurement} measurement
 * @param {Context} context
 * @param {Circumstances} circumstances
 * @returns {Run}
 */
export function finishRun(beginning, job, measurement, context, circumstances) {
  return Object.freeze({
    ...beginning,
    model: job.model.id,
    variant: job.variant.name,
    model_sha256: job.variant.sha256,
    model_bytes: job.variant.bytes,
    weights: job.model.weights.kind,
    ...measuredPart(job, measurement, context, circumstances),
  });
}
