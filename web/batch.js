/** The runs of one press of the button: which, in which order, and where their results go. */

import { conduct } from './conductor.js';
import { isHandheld } from './handheld.js';
import { randomUuid } from './identity.js';
import { drawSeed } from './random.js';
import { blankMeasurement } from './run_log.js';
import { askedOf, finishRun } from './run_record.js';
import { inOrder, memoryBudget } from './schedule.js';
import { whileAwake } from './wake_lock.js';

/** @import { Order, Run } from './run_types.js' */
/** @import { Job, PlannedRun } from './types.js' */
/** @import { Task } from './batch_run.js' */
/** @import { Control } from './hold.js' */
/** @import { Active, Journal } from './journal.js' */
/** @import { Context } from './run_record.js' */
/** @import { Outbox } from './upload.js' */

/** @typedef {import('./conductor.js').Listener<PlannedRun, Run>} Listener */
/** @typedef {{runId: string, planned: PlannedRun, order: Order}} Scheduled */
/** @typedef {{listener: Listener, outbox: Outbox, control: Control, journal?: Journal | undefined}} Collaborators */

/**
 * Measure a plan, each run as often as the settings say, in an order that is drawn anew unless the settings give its seed.
 * @param {readonly PlannedRun[]} plan
 * @param {Context} context
 * @param {Collaborators} collaborators
 * @returns {Promise<{done: number, failed: number}>} how many runs were finished, and how many of them failed
 */
export function runBatch(plan, context, collaborators) {
  return runScheduled(schedule(plan, context), context, collaborators);
}

/**
 * Measure runs that have their order already: those that an earlier page left, for instance.
 * @param {readonly Scheduled[]} scheduled
 * @param {Context} context
 * @param {Collaborators} collaborators
 * @returns {Promise<{done: number, failed: number}>}
 */
export async function runScheduled(scheduled, context, { listener, outbox, control, journal }) {
  listener.planned(scheduled);
  journal?.begin(scheduled, context);
  const entries = scheduled.map(({ runId, planned, order }) => ({ task: taskOf(runId, planned, context), order }));
  const surroundings = {
    listener,
    control,
    cores: context.environment.cores,
    async keep(/** @type {Run} */ run) {
      await outbox.keep(run);
      journal?.over(run.run_id);
    },
    send: () => outbox.sendBetweenRuns(),
    mark: (/** @type {Active | null} */ active) => journal?.mark(active),
  };
  try {
    return await whileAwake((wakeLock) => conduct(entries, { ...surroundings, wakeLock }));
  } finally {
    journal?.end();
  }
}

/**
 * @param {readonly PlannedRun[]} plan
 * @param {Context} context
 * @returns {readonly Scheduled[]}
 */
function schedule(plan, { settings, environment }) {
  const runs = plan.flatMap((planned) => {
    const { bytes, macs } = planned.variant;
    return Array.from({ length: settings.repeat }, () => ({ planned, size: { bytes, macs }, isRunnable: planned.option.blocked === null }));
  });
  const how = { order: settings.order, seed: settings.seed ?? drawSeed(), batchId: randomUuid(), budget: memoryBudget(environment, isHandheld(environment, navigator.maxTouchPoints)) };
  return inOrder(runs, how).map(({ run, order }) => ({ runId: randomUuid(), planned: run.planned, order }));
}

/**
 * @param {string} runId
 * @param {PlannedRun} planned
 * @param {Context} context
 * @returns {Task<PlannedRun, Run>}
 */
function taskOf(runId, planned, context) {
  const { model, variant, option } = planned;
  /** @type {Job} */
  const job = { model, variant, ...askedOf(option, context) };
  const failure = option.blocked ? { stage: /** @type {const} */ ('start'), message: `${option.title} cannot run here: ${option.blocked}.` } : null;
  const prepare = { kind: /** @type {const} */ ('prepare'), job };
  return {
    runId,
    planned,
    asked: job,
    size: { bytes: variant.bytes, macs: variant.macs },
    failure,
    work: { script: option.backend === 'webnn' ? './webnn_worker.js' : './worker.js', name: `${model.id} ${option.value}`, prepare, blank: blankMeasurement(job), timeoutS: context.settings.timeoutS },
    record: (beginning, measured, circumstances) => finishRun(beginning, job, measured, context, circumstances),
  };
}
