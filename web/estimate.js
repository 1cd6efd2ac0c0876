/** How long a choice takes, roughly: from each network's multiplications and what devices were seen to do. */

import { passesMs } from './passes.js';

/** @import { BackendOption, Choice, PlannedRun } from './types.js' */
/** @typedef {{seconds: number, bytes: number}} Estimate `seconds` of measuring, after `bytes` of model files have come */

/**
 * Multiply-accumulate operations a second. WebAssembly: whole networks on two threads ran at 10 to 22 thousand millions (Chromium 156,
 * AMD EPYC, November 2026), and more threads gain less each. The others are orders of magnitude: devices differ a hundredfold.
 */
const WASM_RATE = 8e9;
const THREADS_POWER = 0.8;
const RATES = /** @type {const} */ ({ webgpu: 150e9, webgl: 30e9, webnn: 60e9 });
/** No inference is faster than this: the call itself takes its time. */
const LEAST_S = 0.002;
/** Starting a worker and the runtime, and creating a session: seconds, and bytes a second. */
const START_S = 1.5;
const SESSION_RATE = 60e6;
/** The first inference and a usual warm-up, in inferences; and what share of the time budget warm-up may take. */
const WARM_UP = 13;
const WARM_UP_SHARE = 0.2;
/** Where a precision is asked for, more samples follow than the least: how many more is the device's secret. */
const PRECISION_FACTOR = 2;

/**
 * @param {readonly PlannedRun[]} plan
 * @param {Pick<Choice, 'iterations' | 'minTimeS' | 'precision' | 'timeBudgetS'>} numbers
 * @param {{endToEnd: number, repeat: number}} settings
 * @returns {Estimate}
 */
export function estimate(plan, numbers, { endToEnd, repeat }) {
  const seconds = plan.reduce((sum, run) => sum + secondsOf(run, numbers, endToEnd), 0) * repeat;
  const files = new Map(plan.map(({ variant }) => [variant.path, variant.bytes]));
  return { seconds, bytes: [...files.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

/**
 * @param {PlannedRun} run
 * @param {Pick<Choice, 'iterations' | 'minTimeS' | 'precision' | 'timeBudgetS'>} numbers
 * @param {number} endToEnd
 */
function secondsOf({ variant, option }, { iterations, minTimeS, precision, timeBudgetS }, endToEnd) {
  const inference = Math.max(LEAST_S, variant.macs / rateOf(option));
  const warmUp = Math.min(WARM_UP * inference, WARM_UP_SHARE * timeBudgetS);
  const samples = Math.max(iterations * inference, minTimeS) * (precision === null ? 1 : PRECISION_FACTOR);
  const steady = Math.min(timeBudgetS, warmUp + samples);
  const passes = passesMs({ times: endToEnd, budgetMs: timeBudgetS * 1000, leftMs: (timeBudgetS - steady) * 1000, inferenceMs: inference * 1000 });
  return START_S + variant.bytes / SESSION_RATE + steady + passes / 1000;
}

/** @param {BackendOption} option */
function rateOf({ backend, threads }) {
  return backend === 'wasm' ? WASM_RATE * threads ** THREADS_POWER : RATES[backend];
}
