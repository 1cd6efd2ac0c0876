/** What the samples themselves say against a measurement, in words: what was seen, and what to do. */

import { drift, farOut, farOutFence, rises, twoKinds } from './doubts_statistics.js';
import { counted, milliseconds } from './format.js';
import { percentile } from './statistics.js';

/** @import { Conditions, Device } from './run_types.js' */
/** @import { Summary } from './types.js' */

/** The clock's step over this share of the median is too coarse for the digits shown. */
const COARSE_SHARE = 0.01;
/** A first sample over this many times the median of the others, and far out among them, was not warmed up. */
const SLOW_FIRST = 1.5;
const ENOUGH_SAMPLES = 5;
/** The same loop twice on an idle device differed by 1.4 % at most (60 calibrations, 2 cores, November 2026). */
const SLOWER_LOOP = 1.05;

/**
 * @param {readonly number[]} durations
 * @param {number} step
 */
export function zeroTimes(durations, step) {
  const zeros = durations.filter((duration) => duration === 0).length;
  return (
    zeros > 0 &&
    `${counted(zeros, 'sample')} of ${durations.length} took 0 ms by this browser's clock, whose steps are ${short(step)} ms: ` +
      'the model is too fast for it. Time a larger one, or use a browser with a finer clock.'
  );
}

/**
 * @param {Summary} summary
 * @param {Device} device
 */
export function coarseTimer({ median_ms: median }, { timer_step_ms: step, cross_origin_isolated: isIsolated }) {
  if (median === null || step <= COARSE_SHARE * median) return null;
  const advice = isIsolated ? 'Time a larger model' : 'Open the page over https or on localhost, where clocks are finer';
  return `This browser's clock moves in steps of ${short(step)} ms, over 1 % of the median of ${milliseconds(median)} ms. ${advice}.`;
}

/** @param {readonly number[]} durations */
export function slowFirst([first, ...others]) {
  if (first === undefined || others.length + 1 < ENOUGH_SAMPLES) return null;
  const sorted = Float64Array.from(others).sort();
  const median = percentile(sorted, 50);
  if (first <= Math.max(SLOW_FIRST * median, farOutFence(sorted))) return null;
  return (
    `The first sample took ${milliseconds(first)} ms, over ${SLOW_FIRST} times the others' median of ${milliseconds(median)} ms: ` +
    'the warm-up was too short. Ask for a longer one (warmup=N).'
  );
}

/**
 * @param {readonly number[]} durations
 * @param {number} step
 */
export function drifts(durations, step) {
  const seen = drift(durations, step);
  if (seen === null) return null;
  const { first, last } = seen;
  return (
    `The samples ${last > first ? 'became slower' : 'became faster'}: a median of ${milliseconds(first)} ms in the first third, ` +
    `${milliseconds(last)} ms in the last (${percent(Math.abs(last / first - 1))}). Let the device rest, or ask for a longer warm-up.`
  );
}

/**
 * @param {readonly number[]} durations
 * @param {number} step
 * @param {Conditions | null} conditions
 */
export function thermalSlowdown(durations, step, conditions) {
  const [before, after] = [conditions?.calibration_before, conditions?.calibration_after];
  const seen = drift(durations, step);
  if (!before || !after || seen === null || seen.last <= seen.first) return null;
  if (after.loop_ms <= SLOWER_LOOP * before.loop_ms || !rises(durations)) return null;
  return (
    `The device slowed down while it measured: samples rose from ${milliseconds(seen.first)} to ${milliseconds(seen.last)} ms, and the same ` +
    `calibration loop took ${milliseconds(before.loop_ms)} ms before and ${milliseconds(after.loop_ms)} ms after. Let it cool, then time fewer at once.`
  );
}

/**
 * @param {readonly number[]} durations
 * @param {number} step
 */
export function bimodal(durations, step) {
  const seen = twoKinds(durations, step);
  return (
    seen &&
    `The samples are of two kinds: ${seen.lowCount} around ${milliseconds(seen.low)} ms and ${seen.highCount} around ` +
      `${milliseconds(seen.high)} ms. The median says little of either: look at the samples.`
  );
}

/**
 * @param {readonly number[]} durations
 * @param {number} step
 */
export function heavyTail(durations, step) {
  const seen = farOut(durations, step);
  return (
    seen &&
    `${seen.count} of ${durations.length} samples took over ${milliseconds(seen.fence)} ms, far beyond the rest, the slowest ` +
      `${milliseconds(seen.slowest)} ms: something interrupts this device. Trust the median, not the mean.`
  );
}

/** @param {number} ms */
function short(ms) {
  return String(Number(ms.toPrecision(2)));
}

/** @param {number} share */
export function percent(share) {
  return `${Number((100 * share).toPrecision(2))} %`;
}
