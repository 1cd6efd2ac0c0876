/** Everything else that a run tells, as terms and values beneath its plot. */

import { counted, milliseconds, nodesFallenBack, verdict } from './format.js';
import { percentile, summarise } from './statistics.js';

/** @import { Calibration, Conditions, EndToEnd, Order } from './run_types.js' */
/** @import { Summary } from './types.js' */
/** @import { ShownRun } from './table.js' */
/** @typedef {[term: string, value: string, field: string]} Fact */

const WARM_UP_ENDS = { agreement: 'until it was steady', limit: 'not steady by then', count: 'as many as asked for' };
const STOPS = {
  iterations: 'enough samples',
  precision: 'the interval was narrow enough',
  time_budget: 'the time budget',
  user: 'stopped by you',
  error: 'an error',
};

/**
 * What is null, or was not asked for, is left out.
 * @param {ShownRun} run
 * @returns {readonly Fact[]}
 */
export function factsOf(run) {
  const summary = summarise(run.samples);
  const checks = [run.verification, run.final_check].filter((check) => check !== null);
  return [
    ...optional(run.download_ms, (ms) => ['Download', `${milliseconds(ms)} ms${run.download_cached ? ' (from the cache)' : ''}`, 'download_ms']),
    ...optional(run.runtime_ms, (ms) => ['Starting the runtime', `${milliseconds(ms)} ms`, 'runtime_ms']),
    ['Session creation', `${milliseconds(run.session_ms)} ms`, 'session_ms'],
    ['First inference', `${milliseconds(run.first_ms)} ms`, 'first_ms'],
    ...steadyState(summary),
    ...endToEndFacts(run.end_to_end),
    ['Warm-up', `${run.warmup_iterations}${run.warmup_ended_by ? `, ${WARM_UP_ENDS[run.warmup_ended_by]}` : ''}`, 'warmup_iterations'],
    ['Sampling ended by', STOPS[run.stopped_by], 'stopped_by'],
    ...optional(nodesFallenBack(run), (nodes) => ['Nodes on another backend', String(nodes), 'nodes_fallen_back']),
    ...checks.slice(0, 1).map(({ reference }) => /** @type {Fact} */ (['Outputs', `${verdict(checks, run.held_to).words}, ${reference}`, 'reference'])),
    ...optional(run.order, orderFact),
    ...(run.conditions ? conditionFacts(run.conditions) : []),
    ['Runtime', `${run.runtime} ${run.runtime_version}`, 'runtime'],
  ];
}

/**
 * @param {readonly number[]} values
 * @returns {number | null} null for none
 */
export function medianOf(values) {
  return values.length === 0 ? null : percentile(Float64Array.from(values).sort(), 50);
}

/** @param {EndToEnd} one */
export function totalOf({ preprocess_ms: before, inference_ms: inference, postprocess_ms: after }) {
  return before + inference + after;
}

/**
 * @template Value
 * @param {Value | null | undefined} value
 * @param {(value: Value) => Fact} fact
 * @returns {Fact[]}
 */
function optional(value, fact) {
  return value === null || value === undefined ? [] : [fact(value)];
}

/**
 * @param {Summary} summary
 * @returns {Fact[]}
 */
function steadyState({ n, mean_ms: mean, sd_ms: sd, median_ms: median, median_low_ms: low, median_high_ms: high, p95_ms: p95, min_ms: min, max_ms: max }) {
  if (median === null) return [];
  const ms = milliseconds;
  return [
    ['Median', `${ms(median)} ms of ${counted(n, 'sample')}`, 'median_ms'],
    ...(low === null ? [] : [/** @type {Fact} */ (['95 % interval of it', `${ms(low)} to ${ms(high)} ms`, 'interval'])]),
    ['Mean', `${ms(mean)} ms`, 'mean_ms'],
    ...(sd === null ? [] : [/** @type {Fact} */ (['Standard deviation', `${ms(sd)} ms`, 'sd_ms'])]),
    ['95th percentile', `${ms(p95)} ms`, 'p95_ms'],
    ['Range', `${ms(min)} to ${ms(max)} ms`, 'range'],
  ];
}

/**
 * @param {readonly EndToEnd[]} all
 * @returns {Fact[]}
 */
function endToEndFacts(all) {
  const median = (/** @type {(one: EndToEnd) => number} */ part) => milliseconds(medianOf(all.map(part)));
  if (all.length === 0) return [];
  const parts = `${median((one) => one.preprocess_ms)} before, ${median((one) => one.inference_ms)} inference, ${median((one) => one.postprocess_ms)} after`;
  return [
    ['Picture to answer', `${median(totalOf)} ms, median of ${all.length}`, 'end_to_end_ms'],
    ['Of that', `${parts} (ms)`, 'end_to_end_parts'],
  ];
}

/** @param {Order} order @returns {Fact} */
function orderFact({ mode, position, runs, block, seed }) {
  const manner = { alone: 'alone', interleaved: `in turns with those of block ${block}`, sequential: 'one after another' }[mode];
  return ['Order', mode === 'alone' ? manner : `${position} of ${runs}, ${manner}, seed ${seed}`, 'order'];
}

/**
 * @param {Conditions} conditions
 * @returns {Fact[]}
 */
function conditionFacts({ times_hidden: hidden, repeats, battery_level: level, battery_charging: charging, calibration_before: before, calibration_after: after }) {
  const power = charging === null ? null : charging ? 'mains' : 'battery';
  const share = level === null ? '' : `, ${Math.round(100 * level)} % charged`;
  return [
    ...(hidden > 0 ? [/** @type {Fact} */ (['Page hidden', `${counted(hidden, 'time')}, begun again ${counted(repeats, 'time')}`, 'times_hidden'])] : []),
    ...optional(power, (source) => ['Power', `${source}${share}`, 'battery']),
    ...optional(before, () => ['Lost to other work', `${lost(before)} before, ${lost(after)} after`, 'lost_share']),
  ];
}

/** @param {Calibration | null} calibration */
function lost(calibration) {
  return calibration ? `${(100 * calibration.lost_share).toFixed(1)} %` : 'not measured';
}
