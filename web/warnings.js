/** Doubts about a measurement, kept beside it. Each is a fact that was seen; none is a guess. */

import { summarise } from './statistics.js';

/** @import { Backend, Device, Measurement, RunWarning, Sample } from './types.js' */

/** The clock's step over this share of the median is too coarse for the digits shown. */
const COARSE_SHARE = 0.01;
/** A first sample over this many times the median of the others was not warmed up. */
const SLOW_FIRST = 1.5;
const ENOUGH_SAMPLES = 5;

/**
 * @param {Measurement} measured
 * @param {{backend: Backend, threads: number, iterations: number, timeBudgetS: number, placement?: boolean}} asked
 * @param {Device} device
 * @param {boolean} wasHidden whether the page was hidden at any time
 * @returns {RunWarning[]}
 */
export function warningsFor(measured, asked, device, wasHidden) {
  const { samples, threads, hashed, stopped_by: stoppedBy } = measured;
  const isWasm = asked.backend === 'wasm';
  const isIsolated = device.cross_origin_isolated;
  const step = device.timer_step_ms;
  /** @type {RunWarning[]} */
  const seen = [];
  const warn = (/** @type {boolean} */ isSeen, /** @type {string} */ code, /** @type {string} */ message) => {
    if (isSeen) seen.push({ code, message });
  };
  warn(asked.placement === true, 'placement', 'Session logging was on to see where nodes ran: for proof, not for timing.');
  warn(wasHidden, 'tab_hidden', 'The tab was hidden for a while; browsers slow hidden tabs down.');
  warn(isWasm && !isIsolated, 'not_isolated', 'The page is not cross-origin isolated, so WebAssembly had one thread.');
  warn(isWasm && isIsolated && threads < asked.threads, 'fewer_threads', `${asked.threads} threads were asked for, ${threads} ran.`);
  warn(
    asked.backend === 'webgpu' && device.gpu_software === true,
    'software_gpu',
    'The GPU is emulated in software, so this is no GPU timing.',
  );
  warn(
    hashed === false,
    'hash_unchecked',
    "This page is not in a secure context, so the model file's SHA-256 could not be checked here.",
  );
  warn(
    stoppedBy === 'time_budget',
    'time_budget',
    `Cut short by the time budget of ${asked.timeBudgetS} s: ${samples.length} of ${asked.iterations} samples.`,
  );
  warn(
    isCoarse(samples, step),
    'coarse_timer',
    `This browser's clock moves in steps of ${Number(step.toPrecision(2))} ms, over 1 % of the median.`,
  );
  warn(
    isFirstSlow(samples),
    'slow_first_sample',
    `The first sample took over ${SLOW_FIRST} times the median of the others: the warm-up was too short.`,
  );
  return seen;
}

/**
 * @param {readonly Sample[]} samples
 * @param {number} step
 */
function isCoarse(samples, step) {
  const { median_ms: median } = summarise(samples);
  return median !== null && step > COARSE_SHARE * median;
}

/** @param {readonly Sample[]} samples */
function isFirstSlow(samples) {
  const [first, ...others] = samples;
  const { median_ms: median } = summarise(others);
  return first !== undefined && median !== null && samples.length >= ENOUGH_SAMPLES && first.duration_ms > SLOW_FIRST * median;
}
