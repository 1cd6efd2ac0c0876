/** How far a whole batch is, and how long the rest will take, from what has been seen so far. */

import { passesMs } from './passes.js';
import { MOST_SAMPLES } from './run_log.js';

/** @import { Stage } from './run_types.js' */
/** @import { Asked, Progress } from './types.js' */

/**
 * One run of a batch. `ms` times: of preparing, on the wall; of one inference, of all samples so far. Null is "not known yet".
 * @typedef {object} RunState
 * @property {'waiting' | 'preparing' | 'sampling' | 'settled'} phase
 * @property {Asked} asked
 * @property {number} macs
 * @property {Progress | null} progress
 * @property {number | null} prepareMs
 * @property {number | null} inferenceMs
 * @property {number} samples
 * @property {number} sampledMs
 * @property {number | null} [width] Of the median's 95 % interval, as a share of the median; absent: not known.
 */

/** How much of a run each stage is, for a bar that moves evenly enough. */
const SHARES = /** @type {Readonly<Record<Stage, number>>} */ ({
  start: 0,
  download: 0.15,
  runtime: 0.06,
  session: 0.08,
  first_inference: 0.03,
  verification: 0.03,
  warm_up: 0.05,
  sampling: 0.5,
  final_check: 0,
  end_to_end: 0.06,
  placement: 0.04,
});

/**
 * @param {readonly RunState[]} runs at least one
 * @returns {{share: number, remainingMs: number | null}} `share` from 0 to 1; `remainingMs` is null until something was measured
 */
export function overallOf(runs) {
  return { share: runs.reduce((sum, run) => sum + shareOf(run), 0) / runs.length, remainingMs: remainingMs(runs) };
}

/** @param {RunState} run */
function shareOf(run) {
  const { phase, progress } = run;
  if (phase === 'settled') return 1;
  if (!progress) return 0;
  const { stage, done } = progress;
  const total = stage === 'sampling' ? foreseenSamples(run) : progress.total;
  let before = 0;
  for (const [name, share] of Object.entries(SHARES)) {
    if (name === stage) return before + (total > 0 ? share * Math.min(1, done / total) : 0);
    before += share;
  }
  return before;
}

/**
 * What is not known of a run is taken from the others: preparing takes as long as theirs did, an inference grows with its
 * multiplications.
 * @param {readonly RunState[]} runs
 * @returns {number | null}
 */
function remainingMs(runs) {
  const usualPrepare = mean(runs.flatMap(({ prepareMs }) => prepareMs ?? []));
  const usualRate = mean(runs.flatMap(({ macs, inferenceMs }) => (inferenceMs === null ? [] : (inferenceMs + 1) / (macs + 1e6))));
  if (usualPrepare === null || usualRate === null) return null;
  if (runs.some(isOpenEnded)) return null;
  return runs.reduce((sum, run) => {
    const inference = run.inferenceMs ?? usualRate * (run.macs + 1e6);
    return sum + (run.phase === 'settled' ? 0 : (run.prepareMs === null ? usualPrepare : 0) + samplingMs(run, inference));
  }, 0);
}

/**
 * Whether nothing says how many samples are still to come: as many as asked for are there, the interval shall be narrower than something, and how wide
 * it is is not known.
 * @param {RunState} run
 */
function isOpenEnded({ phase, asked, samples, width }) {
  return phase === 'sampling' && asked.precision !== null && samples >= asked.iterations && (width ?? null) === null;
}

/**
 * How many samples there will be. The interval narrows with the square root of their number; what the time budget ends before is not
 * foreseen to come.
 * @param {RunState} run
 */
function foreseenSamples({ asked, samples, sampledMs, inferenceMs, progress, width }) {
  const planned = progress?.stage === 'sampling' ? progress.total : asked.iterations;
  if (asked.precision === null || (width ?? null) === null || samples < asked.iterations) return planned;
  const narrow = samples * (/** @type {number} */ (width) / asked.precision) ** 2;
  const affordable = inferenceMs ? samples + Math.max(0, asked.timeBudgetS * 1000 - sampledMs) / inferenceMs : MOST_SAMPLES;
  return Math.max(planned, Math.min(narrow, affordable, MOST_SAMPLES));
}

/**
 * @param {RunState} run
 * @param {number} inference
 */
function samplingMs(run, inference) {
  const { samples, sampledMs } = run;
  const { minTimeS, timeBudgetS, endToEnd } = run.asked;
  const budget = Math.max(0, timeBudgetS * 1000 - sampledMs);
  const left = Math.min(Math.max((foreseenSamples(run) - samples) * inference, minTimeS * 1000 - sampledMs, 0), budget);
  return left + passesMs({ times: endToEnd, budgetMs: timeBudgetS * 1000, leftMs: budget - left, inferenceMs: inference });
}

/** @param {readonly number[]} numbers */
function mean(numbers) {
  return numbers.length > 0 ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : null;
}
