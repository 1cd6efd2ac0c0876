/** Doubts about a measurement, kept beside it. Each is a fact that was seen; none is a guess. docs/method.md lists them with their limits. */

import { bimodal, coarseTimer, drifts, heavyTail, percent, slowFirst, thermalSlowdown, zeroTimes } from './doubts_of_samples.js';
import { counted, sentence } from './format.js';
import { isSoftware } from './gpu.js';
import { summarise } from './statistics.js';

/** @import { Backend, Calibration, Conditions, Device, Order, RunWarning } from './run_types.js' */
/** @import { Asked as All, Measurement, Summary } from './types.js' */
/** @typedef {Pick<All, 'backend' | 'threads' | 'iterations' | 'minTimeS' | 'precision' | 'timeBudgetS' | 'placement'>} Asked */

/**
 * All that a rule may look at. `durations` are the samples' milliseconds in the order taken.
 * @typedef {object} Facts
 * @property {Measurement} measured
 * @property {Asked} asked
 * @property {Device} device
 * @property {Conditions | null} conditions
 * @property {Order | null} order
 * @property {number | null} clockOffsetS
 * @property {readonly number[]} durations
 * @property {Summary} summary
 */

/** Of fewer, one slow sample moves everything. */
const ENOUGH_SAMPLES = 5;
/** An idle device loses 2 to 8 %; with one busy thread beside it, two cores lose 37 to 62 % (60 calibrations, 2 cores, both browsers, November 2026). */
const LOST_SHARE = 0.15;
/** Clocks that are set by a network agree within a second; one that nobody set is off by minutes or years. */
const CLOCK_OFFSET_S = 60;

/**
 * @param {Measurement} measured
 * @param {Asked} asked the job
 * @param {Device} device
 * @param {{conditions: Conditions | null, order: Order | null, clockOffsetS: number | null}} circumstances `clockOffsetS`: by how much the
 *     device's clock is ahead of the server's
 * @returns {readonly RunWarning[]}
 */
export function warningsFor(measured, asked, device, { conditions, order, clockOffsetS }) {
  const durations = measured.samples.map((sample) => sample.duration_ms);
  const facts = { measured, asked, device, conditions, order, clockOffsetS, durations, summary: summarise(measured.samples) };
  return Object.entries(RULES).flatMap(([code, rule]) => {
    const message = rule(facts);
    return message ? [{ code, message: message.slice(0, 1000) }] : [];
  });
}

/**
 * By code, in the order shown: what was seen, with its numbers, and what to do; null or false where there is nothing to say.
 * @type {Readonly<Record<string, (facts: Facts) => string | null | false>>}
 */
const RULES = Object.freeze({
  placement: ({ asked }) =>
    asked.placement && 'Session logging was on to see where nodes ran: for proof, not for timing. Leave out placement=1 to time.',
  tab_hidden: ({ conditions, measured }) =>
    conditions !== null && conditions.times_hidden + conditions.repeats > 0 && tabHidden(conditions, measured),
  wake_lock_refused: ({ conditions }) =>
    conditions?.wake_lock === 'refused' &&
    'The browser refused to keep the screen on, so the device may have dimmed or slept. Charge it, and switch power saving off.',
  on_battery: ({ conditions }) => conditions?.battery_charging === false && onBattery(conditions),
  background_load: ({ conditions }) => conditions !== null && backgroundLoad(conditions),
  clock_skew: ({ clockOffsetS }) => clockOffsetS !== null && Math.abs(clockOffsetS) > CLOCK_OFFSET_S && clockSkew(clockOffsetS),
  not_isolated: ({ asked, device }) =>
    asked.backend === 'wasm' &&
    !device.cross_origin_isolated &&
    'The page is not cross-origin isolated, so WebAssembly had one thread. Open it over https, or on localhost, straight from its server.',
  fewer_threads: ({ asked, measured, device }) =>
    asked.backend === 'wasm' &&
    device.cross_origin_isolated &&
    measured.threads < asked.threads &&
    `${counted(asked.threads, 'thread')} were asked for, ${measured.threads} ran. Compare it with runs of as many threads.`,
  fell_back: ({ asked, measured }) => fellBack(asked.backend, measured),
  software_gpu: ({ asked, device }) => softwareGpu(asked.backend, device),
  hash_unchecked: ({ measured }) =>
    measured.hashed === false &&
    "This page is not in a secure context, so the model file's SHA-256 could not be checked here. Open the page over https.",
  sequential: ({ order }) =>
    order?.mode === 'sequential' &&
    `Timed one after another, not in turns with the ${counted(order.runs - 1, 'other run')}${order.reason ? ` (${order.reason})` : ''}: ` +
      'a device that slows down in between makes a difference that is none.',
  time_budget: ({ measured, asked }) =>
    measured.stopped_by === 'time_budget' &&
    `Cut short by the time budget of ${asked.timeBudgetS} s: ${soFar(measured, asked)}. The URL parameter time_budget sets another.`,
  stopped_by_user: ({ measured, asked }) => measured.stopped_by === 'user' && `Stopped by hand: ${soFar(measured, asked)}.`,
  not_settled: ({ measured }) =>
    measured.warmup_ended_by === 'limit' &&
    `Durations had not settled when the warm-up ended, after ${counted(measured.warmup_iterations, 'inference')}: the first samples ` +
      'may still be warming up. Look at the samples in order, or ask for a longer warm-up (warmup=N).',
  end_to_end_failed: ({ measured: { end_to_end_failure: reason } }) =>
    reason && `What follows the samples failed, so there is no time end to end: ${sentence(reason)}`,
  few_samples: ({ summary: { n } }) =>
    n > 0 && n < ENOUGH_SAMPLES && `${counted(n, 'sample')} only: too few to tell how far they scatter. Time at least ${ENOUGH_SAMPLES}.`,
  zero_times: ({ durations, device }) => zeroTimes(durations, device.timer_step_ms),
  coarse_timer: ({ summary, device }) => coarseTimer(summary, device),
  slow_first_sample: ({ durations }) => slowFirst(durations),
  drift: ({ durations, device }) => drifts(durations, device.timer_step_ms),
  thermal_slowdown: ({ durations, device, conditions }) => thermalSlowdown(durations, device.timer_step_ms, conditions),
  bimodal: ({ durations, device }) => bimodal(durations, device.timer_step_ms),
  heavy_tail: ({ durations, device }) => heavyTail(durations, device.timer_step_ms),
});

export const WARNING_CODES = Object.freeze(Object.keys(RULES));

/**
 * @param {Conditions} conditions
 * @param {Measurement} measured
 */
function tabHidden({ times_hidden: times, repeats }, { end_to_end_hidden: isWithout }) {
  const again = repeats > 0 ? `, so the run began again ${counted(repeats, 'time')}` : '';
  const without = isWithout ? `${again ? ' and' : ', so'} its times end to end were dropped` : '';
  return `The tab was hidden ${counted(times, 'time')}${again}${without}; browsers slow hidden tabs down. Keep it in front while it times.`;
}

/** @param {Conditions} conditions */
function onBattery({ battery_level: level }) {
  const charge = level === null ? '' : `, ${(100 * level).toFixed(0)} % full`;
  return `The device ran on its battery${charge}; many save power then by computing more slowly. Plug it in.`;
}

/** @param {Conditions} conditions */
function backgroundLoad({ calibration_before: before, calibration_after: after }) {
  const seen = [lost(before, 'before'), lost(after, 'after')].filter((text) => text !== null);
  return (
    seen.length > 0 &&
    `Something else used the processor: a calibration loop lost ${seen.join(' and ')} the run. Close other tabs and programs.`
  );
}

/** @param {number} offsetS */
function clockSkew(offsetS) {
  const where = `${Math.abs(offsetS).toFixed(0)} s ${offsetS > 0 ? 'ahead of' : 'behind'}`;
  return `This device's clock is ${where} the server's, so this run seems to have begun by as much too ${offsetS > 0 ? 'late' : 'early'}. Set the clock.`;
}

/**
 * @param {Calibration | null} calibration
 * @param {string} when
 */
function lost(calibration, when) {
  return calibration && calibration.lost_share > LOST_SHARE ? `${percent(calibration.lost_share)} of its time ${when}` : null;
}

/**
 * @param {Backend} backend
 * @param {Measurement} measured
 */
function fellBack(backend, { placement }) {
  const counts = Object.entries(placement ?? {}).map(([where, operators]) => ({
    where,
    nodes: Object.values(operators).reduce((sum, count) => sum + count, 0),
  }));
  const elsewhere = counts.filter(({ where, nodes }) => where !== backend && nodes > 0);
  if (elsewhere.length === 0) return null;
  const total = counts.reduce((sum, { nodes }) => sum + nodes, 0);
  const places = elsewhere.map(({ where, nodes }) => `${nodes} of ${counted(total, 'node')} on ${where}`).join(', ');
  return `Not all of it ran on ${backend}: ${places}, with copies in between. The timing is of the mixture.`;
}

/**
 * @param {Backend} backend
 * @param {Device} device
 */
function softwareGpu(backend, { gpu_software: software, gpu_description: description, webgl_renderer: renderer }) {
  const isEmulated = (backend === 'webgpu' && software === true) || (backend === 'webgl' && isSoftware(renderer));
  const name = backend === 'webgpu' ? description : renderer;
  return (
    isEmulated &&
    `The GPU is emulated in software${name ? ` (${name})` : ''}, so this is no GPU timing. Switch hardware acceleration on in the browser's settings.`
  );
}

/**
 * @param {Measurement} measured
 * @param {Asked} asked
 */
function soFar({ samples }, { iterations, precision, minTimeS }) {
  if (samples.length < iterations) return `${samples.length} of ${counted(iterations, 'sample')}`;
  const wish = precision === null ? `they spanned ${minTimeS} s` : `the median was known to ${percent(precision)}`;
  return `${counted(samples.length, 'sample')}, before ${wish}`;
}
