/** The runs of one press of the button, one after another: two at a time would time each other. */

import { blankMeasurement } from './run_log.js';
import { beginRun, finishRun, jobFor } from './run_record.js';
import { supervise } from './supervisor.js';

/** @import { Job, Measurement, PlannedRun, Progress, Run } from './types.js' */
/** @import { Conditions } from './run_record.js' */
/** @import { Outbox } from './upload.js' */

/**
 * Who is told how it goes.
 * @typedef {object} Listener
 * @property {(runId: string, planned: PlannedRun, index: number, total: number) => void} begun
 * @property {(progress: Progress) => void} progressed
 * @property {(run: Run) => void} finished
 * @property {(runId: string) => void} abandoned
 */

/**
 * Every run is shown and sent as soon as it is over, so that what comes after cannot lose it.
 * @param {readonly PlannedRun[]} plan
 * @param {Conditions} conditions
 * @param {{listener: Listener, outbox: Outbox, signal: AbortSignal}} surroundings `signal` stops the batch; the run that is on is dropped
 * @returns {Promise<{done: number, failed: number}>} how many runs were finished, and how many of them failed
 */
export async function runBatch(plan, conditions, { listener, outbox, signal }) {
  let [done, failed] = [0, 0];
  for (const [index, planned] of plan.entries()) {
    const beginning = beginRun();
    const job = jobFor(planned, conditions);
    listener.begun(beginning.run_id, planned, index, plan.length);
    const visibility = watchVisibility();
    const measured = await measureOne(job, planned, conditions.settings.timeoutS, listener, signal);
    visibility.stop();
    if (measured === null) {
      listener.abandoned(beginning.run_id);
      break;
    }
    const run = finishRun(beginning, job, measured, conditions, visibility.wasHidden());
    done += 1;
    if (run.error) failed += 1;
    listener.finished(run);
    await outbox.send(run);
    if (signal.aborted) break;
  }
  return { done, failed };
}

/**
 * @param {Job} job
 * @param {PlannedRun} planned
 * @param {number} timeoutS
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {Promise<Measurement | null>}
 */
async function measureOne(job, { option }, timeoutS, listener, signal) {
  if (option.blocked) {
    const message = `${option.title} cannot run here: ${option.blocked}.`;
    return { ...blankMeasurement(job), stopped_by: 'error', error: { stage: 'start', message } };
  }
  return supervise(job, { timeoutS, signal, onProgress: listener.progressed });
}

/** Notes whether the page is hidden at any time from now on. */
export function watchVisibility() {
  let hidden = document.hidden;
  const look = () => {
    hidden ||= document.hidden;
  };
  document.addEventListener('visibilitychange', look);
  return { wasHidden: () => hidden, stop: () => document.removeEventListener('visibilitychange', look) };
}
