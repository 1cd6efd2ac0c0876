/** The task's own measure of agreement: the same top-5, the same detections, all numbers. The same rules as builder/verify.py. */

import { detect, iou } from './detection.js';
import { ZooError } from './errors.js';

/** @import { Boxes, Raw, Ssd, TaskVerification, Tolerance, TopK } from './manifest_types.js' */
/** @import { Detection, Tensor, Tensors } from './types.js' */

const MIN_IOU = 0.99;
const MAX_SCORE_DIFFERENCE = 1e-3;

/**
 * A function that measures outputs against the reference's, whose own result it works out once. A graph that gives detections itself
 * is measured by compare.js, which needs the pairs for the outputs too.
 * @param {Tensors} expected the reference's outputs
 * @param {TopK | Ssd | Raw} postprocessing
 * @param {Tensor | null} priors of a detector
 * @param {readonly Tolerance[]} tolerances
 * @returns {(actual: Tensors | null) => TaskVerification} null: outputs that cannot be compared
 */
export function taskMeasure(expected, postprocessing, priors, tolerances) {
  if (postprocessing.kind === 'raw') {
    return (actual) => verdict('elements', size(expected), actual ? size(actual) : 0, actual ? countWithin(actual, expected, tolerances) : 0);
  }
  if (postprocessing.kind === 'top_k') {
    const wanted = topK(onlyOne(expected), postprocessing.k);
    return (actual) => {
      const found = actual ? topK(onlyOne(actual), postprocessing.k) : [];
      return verdict('top_5', wanted.length, found.length, wanted.filter((index, place) => index === found[place]).length);
    };
  }
  const boxes = /** @type {Tensor} */ (priors);
  const wanted = detect(expected, boxes, postprocessing);
  return (actual) => {
    const found = (actual && detectIfPossible(() => detect(actual, boxes, postprocessing))) ?? [];
    return verdict('detections', wanted.length, found.length, pairs(wanted, found).length);
  };
}

/**
 * The detections that a graph gives, row by row.
 * @param {Tensors} outputs
 * @param {Boxes} rule
 * @returns {Detection[]}
 * @throws {ZooError} when an output is absent, their shapes do not fit one another, or they hold NaN or infinity
 */
export function givenDetections(outputs, { boxes_output, labels_output, scores_output }) {
  const [boxes, labels, scores] = [outputs[boxes_output], outputs[labels_output], outputs[scores_output]];
  const shapes = JSON.stringify([boxes?.dims, labels?.dims, scores?.dims]);
  const count = boxes?.dims[0];
  if (!boxes || !labels || !scores || shapes !== JSON.stringify([[count, 4], [count], [count]])) {
    throw new ZooError('The detections do not fit one another', { got: shapes, expected: '[[N,4],[N],[N]]', next: 'try another backend' });
  }
  if (![...boxes.data, ...scores.data].every(Number.isFinite)) {
    throw new ZooError('A detection is not finite', { got: 'NaN or infinity', expected: 'finite numbers', next: 'try another backend' });
  }
  return Array.from(labels.data, (label, row) => {
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.data.subarray(4 * row, 4 * row + 4);
    return { class_index: label, score: /** @type {number} */ (scores.data[row]), box: [left, top, right, bottom], prior: row };
  });
}

/**
 * Detections, or null where outputs are so far off that none follow from them.
 * @param {() => Detection[]} find
 */
export function detectIfPossible(find) {
  try {
    return find();
  } catch (error) {
    if (error instanceof ZooError) return null;
    throw error;
  }
}

/**
 * Positions of one expected and one actual detection each, with the same class, an IoU of at least 0.99 and scores within 0.001. Each
 * detection is in one pair at the most; the greatest IoU goes first, the lower position where two are equal.
 * @param {readonly Detection[]} expected
 * @param {readonly Detection[]} actual
 * @returns {[number, number][]}
 */
export function pairs(expected, actual) {
  const free = new Set(actual.keys());
  /** @type {[number, number][]} */
  const found = [];
  for (const [row, wanted] of expected.entries()) {
    let [greatest, partner] = [0, -1];
    for (const position of free) {
      const other = /** @type {Detection} */ (actual[position]);
      if (other.class_index !== wanted.class_index || Math.abs(other.score - wanted.score) > MAX_SCORE_DIFFERENCE) continue;
      const overlap = sameBox(wanted.box, other.box) ? 1 : iou(wanted.box, other.box);
      if (overlap >= MIN_IOU && overlap > greatest) [greatest, partner] = [overlap, position];
    }
    if (partner >= 0) {
      free.delete(partner);
      found.push([row, partner]);
    }
  }
  return found;
}

/**
 * @param {TaskVerification['measure']} measure
 * @param {number} expected
 * @param {number} actual
 * @param {number} agreeing
 * @returns {TaskVerification}
 */
export function verdict(measure, expected, actual, agreeing) {
  return { measure, expected, actual, matched: agreeing, passed: expected === actual && actual === agreeing };
}

/**
 * How much of a tolerance a difference uses; 1 is the limit. Where the limit is 0, no difference uses nothing of it and any difference
 * is over it.
 * @param {number} actual
 * @param {number} expected
 * @param {{atol: number, rtol: number}} tolerance
 */
export function shareUsed(actual, expected, { atol, rtol }) {
  const [difference, limit] = [Math.abs(actual - expected), atol + rtol * Math.abs(expected)];
  if (limit > 0) return difference / limit;
  return difference > 0 ? 2 : 0;
}

/**
 * How many numbers are within their tolerance, of outputs that have the reference's shapes.
 * @param {Tensors} actual
 * @param {Tensors} expected
 * @param {readonly Tolerance[]} tolerances
 */
function countWithin(actual, expected, tolerances) {
  let within = 0;
  for (const tolerance of tolerances) {
    const found = /** @type {Tensor} */ (actual[tolerance.output]).data;
    /** @type {Tensor} */ (expected[tolerance.output]).data.forEach((value, at) => {
      if (shareUsed(/** @type {number} */ (found[at]), value, tolerance) <= 1) within += 1;
    });
  }
  return within;
}

/** @param {Tensors} tensors */
function size(tensors) {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
}

/**
 * The classes of the `k` greatest logits, in order; the lower index first where two are equal.
 * @param {Tensor} logits (1, C)
 * @param {number} k
 * @returns {number[]}
 */
export function topK({ data }, k) {
  const logit = (/** @type {number | undefined} */ index) => /** @type {number} */ (data[/** @type {number} */ (index)]);
  /** @type {number[]} */
  const best = [];
  for (let index = 0; index < data.length; index += 1) {
    if (best.length === k && !(logit(index) > logit(best[k - 1]))) continue;
    let place = best.length;
    while (place > 0 && logit(index) > logit(best[place - 1])) place -= 1;
    best.splice(place, 0, index);
    if (best.length > k) best.pop();
  }
  return best;
}

/**
 * Equal boxes match also where they have no area, and so no union.
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
function sameBox(one, other) {
  return one.every((corner, index) => corner === other[index]);
}

/**
 * @param {Tensors} tensors a classifier's outputs
 * @returns {Tensor}
 */
export function onlyOne(tensors) {
  const all = Object.values(tensors);
  if (all.length !== 1) throw new Error(`a classifier has one output, not ${all.length}`);
  return /** @type {Tensor} */ (all[0]);
}
