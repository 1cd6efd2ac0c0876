/** Outputs against the reference's: per output by tolerance, then by the task's own measure. The same rules as builder/verify.py. */

import { tensorOf } from './inputs.js';
import { detectIfPossible, givenDetections, pairs, shareUsed, taskMeasure, verdict } from './task_measure.js';

/** @import { Boxes, ModelEntry, OutputVerification, TaskVerification, Tolerance, VariantEntry, Verification } from './manifest_types.js' */
/** @import { Tensor, Tensors } from './types.js' */
/** @typedef {{outputs: readonly OutputVerification[], task: TaskVerification}} Compared */

/** Elements below this fraction of the greatest magnitude are left out of the greatest relative difference. */
const NEAR_ZERO = 0.01;

/**
 * A function that compares a run's outputs with the reference file's.
 * @param {ModelEntry} model
 * @param {VariantEntry} variant
 * @param {Tensors} reference the reference's outputs, under the graph's names
 * @param {Tensor | null} priors of a detector
 * @param {{reference: string, runtime: string}} labels the reference's name, and what runs, for people
 * @returns {(actual: Tensors) => Verification}
 */
export function verifier({ outputs: entries, postprocessing }, { tolerances }, reference, priors, labels) {
  /** @type {Tensors} */
  const expected = Object.fromEntries(entries.map(({ name }) => [name, tensorOf(reference, name, 'the reference')]));
  const compare =
    postprocessing.kind === 'boxes'
      ? detectionComparer(expected, tolerances, postprocessing)
      : elementComparer(expected, tolerances, taskMeasure(expected, postprocessing, priors, tolerances));
  return (actual) => {
    const { outputs, task } = compare(actual);
    return { ...labels, outputs, task, passed: task.passed && outputs.every((output) => output.passed) };
  };
}

/**
 * Every output number by number, in place.
 * @param {Tensors} expected
 * @param {readonly Tolerance[]} tolerances
 * @param {(actual: Tensors | null) => TaskVerification} measure
 * @returns {(actual: Tensors) => Compared}
 */
function elementComparer(expected, tolerances, measure) {
  return (actual) => {
    const outputs = tolerances.map((tolerance) => compareOutput(actual[tolerance.output], tensor(expected, tolerance), tolerance));
    const comparable = outputs.every((output) => output.tolerance_used !== null);
    return { outputs, task: measure(comparable ? actual : null) };
  };
}

/**
 * Detections that the graph itself gives: they are paired, then each pair's rows are compared. Without a partner for each there is
 * nothing to compare.
 * @param {Tensors} expected
 * @param {readonly Tolerance[]} tolerances
 * @param {Boxes} rule
 * @returns {(actual: Tensors) => Compared}
 */
function detectionComparer(expected, tolerances, rule) {
  const wanted = givenDetections(expected, rule);
  return (actual) => {
    const found = detectIfPossible(() => givenDetections(actual, rule));
    const together = pairs(wanted, found ?? []);
    const task = verdict('detections', wanted.length, found?.length ?? 0, together.length);
    const rows = found && task.passed ? together.map(([, partner]) => partner) : null;
    const outputs = tolerances.map((tolerance) => {
      const output = actual[tolerance.output];
      return compareOutput(output && rows ? rowsOf(output, rows) : undefined, tensor(expected, tolerance), tolerance);
    });
    return { outputs, task };
  };
}

/**
 * The same rows in another order.
 * @param {Tensor} tensor
 * @param {readonly number[]} rows
 * @returns {Tensor}
 */
function rowsOf({ data, dims }, rows) {
  const width = dims.slice(1).reduce((product, side) => product * side, 1);
  const numbers = rows.flatMap((row) => [...data.subarray(row * width, (row + 1) * width)]);
  return { data: data instanceof Float32Array ? Float32Array.from(numbers) : Float64Array.from(numbers), dims };
}

/**
 * @param {Tensors} expected
 * @param {Tolerance} tolerance
 */
function tensor(expected, { output }) {
  return /** @type {Tensor} */ (expected[output]);
}

/**
 * How far one output is from the reference. An absent output, another shape or type, NaN or infinity is a failure without numbers: a
 * comparison with NaN is always false, so it would otherwise look like no difference at all. An output without a number in it is the
 * same as another without one. float32 is in a Float32Array and int64 in a Float64Array, so that arrays of one kind are of one type.
 * @param {Tensor | undefined} actual
 * @param {Tensor} expected
 * @param {Tolerance} tolerance
 * @returns {OutputVerification}
 */
export function compareOutput(actual, expected, { output, atol, rtol }) {
  if (!isLike(actual, expected) || !actual.data.every(Number.isFinite) || !expected.data.every(Number.isFinite)) {
    return { output, max_abs_diff: null, max_rel_diff: null, tolerance_used: null, atol, rtol, passed: false };
  }
  let greatest = 0;
  for (const value of expected.data) greatest = Math.max(greatest, Math.abs(value));
  let [absolute, relative, used] = [0, 0, 0];
  expected.data.forEach((value, index) => {
    const found = /** @type {number} */ (actual.data[index]);
    const [magnitude, difference] = [Math.abs(value), Math.abs(found - value)];
    absolute = Math.max(absolute, difference);
    if (magnitude >= NEAR_ZERO * greatest && magnitude > 0) relative = Math.max(relative, difference / magnitude);
    used = Math.max(used, shareUsed(found, value, { atol, rtol }));
  });
  return { output, max_abs_diff: absolute, max_rel_diff: relative, tolerance_used: used, atol, rtol, passed: used <= 1 };
}

/**
 * @param {Tensor | undefined} actual
 * @param {Tensor} expected
 * @returns {actual is Tensor}
 */
function isLike(actual, expected) {
  if (actual === undefined || actual.dims.join() !== expected.dims.join() || actual.data.length !== expected.data.length) return false;
  return actual.data instanceof Float32Array === expected.data instanceof Float32Array;
}

/**
 * A verification that failed, in words: each output that is off, and the task's measure.
 * @param {Verification} verification
 */
export function describeMismatch({ outputs, task, runtime }) {
  const off = outputs.filter((output) => !output.passed).map(describeOutput);
  const things = { top_5: 'top-5 places', detections: 'detections', elements: 'numbers' }[task.measure];
  if (!task.passed) off.push(`${task.matched} of ${task.expected} ${things} agree (${task.actual} found)`);
  return `The outputs of ${runtime} differ from the reference's: ${off.join('; ')}. A timing of wrong outputs is no timing.`;
}

/** @param {OutputVerification} output */
function describeOutput({ output, max_abs_diff: difference, tolerance_used: used, atol, rtol }) {
  if (difference === null || used === null) {
    return `${output} is missing, of another shape or type, not finite, or a detection without a partner`;
  }
  const share = `${used.toPrecision(3)} times its tolerance (${atol} + ${rtol} x |reference|)`;
  return `${output} is off by up to ${difference.toPrecision(3)}, ${share}`;
}
