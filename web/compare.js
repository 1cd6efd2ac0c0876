/** Outputs against PyTorch's: per output by tolerance, then by the task's own measure. The same rules as builder/verify.py. */

import { tensorOf } from './inputs.js';
import { taskMeasure } from './task_measure.js';

/** @import { ModelEntry, OutputVerification, Tensor, Tensors, Tolerance, VariantEntry, Verification } from './types.js' */

/** Elements below this fraction of the greatest magnitude are left out of the greatest relative difference. */
const NEAR_ZERO = 0.01;

/**
 * A function that compares a run's outputs with the reference file's.
 * @param {ModelEntry} model
 * @param {VariantEntry} variant
 * @param {Tensors} reference PyTorch's outputs, under the graph's names
 * @param {Tensor | null} priors of a detector
 * @param {{reference: string, runtime: string}} labels the reference's name, and what runs, for people
 * @returns {(actual: Tensors) => Verification}
 */
export function verifier(model, variant, reference, priors, labels) {
  /** @type {Tensors} */
  const expected = Object.fromEntries(model.outputs.map(({ name }) => [name, tensorOf(reference, name, 'the reference')]));
  const measure = taskMeasure(expected, model.postprocessing, priors);
  return (actual) => {
    const outputs = variant.tolerances.map((tolerance) =>
      compareOutput(actual[tolerance.output], /** @type {Tensor} */ (expected[tolerance.output]), tolerance),
    );
    const comparable = outputs.every((output) => output.tolerance_used !== null);
    const task = measure(comparable ? actual : null);
    return { ...labels, outputs, task, passed: task.passed && outputs.every((output) => output.passed) };
  };
}

/**
 * How far one output is from the reference. An absent output, another shape, NaN or infinity is a failure without numbers: a
 * comparison with NaN is always false, so it would otherwise look like no difference at all.
 * @param {Tensor | undefined} actual
 * @param {Tensor} expected
 * @param {Tolerance} tolerance
 * @returns {OutputVerification}
 */
export function compareOutput(actual, expected, { output, atol, rtol }) {
  const sameShape = actual !== undefined && actual.dims.join() === expected.dims.join() && actual.data.length === expected.data.length;
  if (!sameShape || !actual.data.every(Number.isFinite) || !expected.data.every(Number.isFinite)) {
    return { output, max_abs_diff: null, max_rel_diff: null, tolerance_used: null, atol, rtol, passed: false };
  }
  const notable = NEAR_ZERO * expected.data.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
  let [absolute, relative, used] = [0, 0, 0];
  expected.data.forEach((value, index) => {
    const magnitude = Math.abs(value);
    const difference = Math.abs(/** @type {number} */ (actual.data[index]) - value);
    absolute = Math.max(absolute, difference);
    if (magnitude >= notable && magnitude > 0) relative = Math.max(relative, difference / magnitude);
    used = Math.max(used, shareUsed(difference, atol + rtol * magnitude));
  });
  return { output, max_abs_diff: absolute, max_rel_diff: relative, tolerance_used: used, atol, rtol, passed: used <= 1 };
}

/**
 * A verification that failed, in words: each output that is off, and the task's measure.
 * @param {Verification} verification
 */
export function describeMismatch({ outputs, task, runtime }) {
  const off = outputs.filter((output) => !output.passed).map(describeOutput);
  const things = task.measure === 'top_5' ? 'top-5 places' : 'detections';
  if (!task.passed) off.push(`${task.matched} of ${task.expected} ${things} agree (${task.actual} found)`);
  return `The outputs of ${runtime} differ from PyTorch's: ${off.join('; ')}. A timing of wrong outputs is no timing.`;
}

/** @param {OutputVerification} output */
function describeOutput({ output, max_abs_diff: difference, tolerance_used: used, atol, rtol }) {
  if (difference === null || used === null) return `${output} is missing, of another shape, or not finite`;
  const share = `${used.toPrecision(3)} times its tolerance (${atol} + ${rtol} x |reference|)`;
  return `${output} is off by up to ${difference.toPrecision(3)}, ${share}`;
}

/**
 * Where the limit is 0, no difference uses nothing of it and any difference is over it.
 * @param {number} difference
 * @param {number} limit
 */
function shareUsed(difference, limit) {
  if (limit > 0) return difference / limit;
  return difference > 0 ? 2 : 0;
}
