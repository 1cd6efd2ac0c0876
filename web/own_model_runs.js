/** The runs of a dropped file: a reference first, then a run on each backend, in turns where memory allows, each in a worker of its own. */

import { conduct } from './conductor.js';
import { isHandheld } from './handheld.js';
import { randomUuid } from './identity.js';
import { HELD_TO } from './own_model_proof.js';
import { computeReference } from './own_model_questions.js';
import { drawSeed } from './random.js';
import { blankMeasurement } from './run_log.js';
import { askedOf, measuredPart } from './run_record.js';
import { inOrder, memoryBudget } from './schedule.js';
import { whileAwake } from './wake_lock.js';

/** @import { Failed, Filled, OwnModel, OwnRun, Referenced } from './own_model_types.js' */
/** @import { Shown, Task } from './batch_run.js' */
/** @import { Control } from './hold.js' */
/** @import { Context } from './run_record.js' */
/** @import { BackendOption } from './types.js' */

/** @typedef {import('./conductor.js').Listener<Shown, OwnRun>} OwnListener */

/** Operators whose outputs are drawn anew at every run (onnx.ai/onnx/operators). */
const RANDOM = ['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'];
export const VARIANT = 'own file, outputs not checked against a reference';

/**
 * Time a file on each backend. Where its outputs cannot be proven, every run fails with the reason.
 * @param {OwnModel} model
 * @param {Readonly<Record<string, number>>} dimensions by the key of each open dimension
 * @param {readonly BackendOption[]} options
 * @param {Context} context
 * @param {{listener: OwnListener, control: Control}} surroundings
 * @returns {Promise<{done: number, failed: number}>}
 */
export async function runOwn(model, dimensions, options, context, { listener, control }) {
  const { config, environment, settings } = context;
  /** @type {Filled} */
  const filled = { file: model.file, inputs: model.facts.inputs, dimensions, onnxruntimeWeb: config.onnxruntime_web };
  const runs = options.flatMap((option) => {
    const run = { option, size: { bytes: model.file.size, macs: 0 }, isRunnable: option.blocked === null };
    return Array.from({ length: settings.repeat }, () => run);
  });
  const how = { order: settings.order, seed: settings.seed ?? drawSeed(), batchId: randomUuid(), budget: memoryBudget(environment, isHandheld(environment, navigator.maxTouchPoints)) };
  const scheduled = inOrder(runs, how).map(({ run, order }) => ({ runId: randomUuid(), planned: shown(model, run.option), order }));
  listener.planned(scheduled);

  const isAnyRunnable = options.some(({ blocked }) => blocked === null);
  listener.said(`Computing what the outputs are held to: ${HELD_TO}, 1 thread`);
  const reference = isAnyRunnable ? await computeReference({ kind: 'reference', ...filled }, { timeoutS: settings.timeoutS, signal: control.signal }) : null;
  listener.said(null);
  const entries = scheduled.map(({ runId, planned, order }) => ({ task: taskOf(runId, planned, model, filled, reference, context), order }));
  const surroundings = {
    listener,
    control,
    cores: environment.cores,
    keep: () => Promise.resolve(),
    send: () => Promise.resolve(),
    mark: () => {},
  };
  return whileAwake((wakeLock) => conduct(entries, { ...surroundings, wakeLock }));
}

/**
 * @param {OwnModel} model
 * @param {BackendOption} option
 * @returns {Shown}
 */
function shown({ file: { name } }, option) {
  return { model: { id: name, title: name }, variant: { name: VARIANT }, option };
}

/**
 * @param {string} runId
 * @param {Shown} planned
 * @param {OwnModel} model
 * @param {Filled} filled
 * @param {Referenced | Failed | null} reference null when it was stopped, or not needed
 * @param {Context} context
 * @returns {Task<Shown, OwnRun>}
 */
function taskOf(runId, planned, { file, facts, sha256 }, filled, reference, context) {
  const { option } = planned;
  const asked = { ...askedOf(option, context), runtime: /** @type {const} */ ('onnxruntime-web') };
  const random = RANDOM.filter((operator) => Object.hasOwn(facts.operators, operator));
  const job = { ...asked, ...filled, random, reference: reference?.kind === 'reference' ? reference.outputs : {} };
  const blocked = option.blocked && { stage: /** @type {const} */ ('start'), message: `${option.title} cannot run here: ${option.blocked}.` };
  const unproven = reference?.kind === 'failed' ? { stage: reference.stage, message: reference.message } : null;
  const prepare = { kind: /** @type {const} */ ('prepare'), job };
  return {
    runId,
    planned,
    asked,
    size: { bytes: file.size, macs: 0 },
    failure: blocked || unproven,
    work: {
      script: option.backend === 'webnn' ? './webnn_own_model_timing.js' : './own_model_timing.js',
      name: `own file, ${option.value}`,
      prepare,
      blank: blankMeasurement(asked),
      timeoutS: context.settings.timeoutS,
    },
    record: (beginning, measured, circumstances) =>
      Object.freeze({
        ...beginning,
        model: file.name,
        variant: VARIANT,
        model_sha256: sha256,
        model_bytes: file.size,
        dimensions: filled.dimensions,
        held_to: HELD_TO,
        ...measuredPart(asked, measured, context, circumstances),
      }),
  };
}
