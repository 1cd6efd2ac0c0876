/** The task's own measure of agreement: the same top-5, the same detections. The same rules as builder/verify.py. */

import { detect, iou } from './detection.js';
import { ZooError } from './errors.js';

/** @import { Detection, Postprocessing, Ssd, TaskVerification, Tensor, Tensors } from './types.js' */

const MIN_IOU = 0.99;
const MAX_SCORE_DIFFERENCE = 1e-3;

/**
 * A function that measures outputs against the reference's, whose own result it works out once.
 * @param {Tensors} expected PyTorch's outputs
 * @param {Postprocessing} postprocessing
 * @param {Tensor | null} priors of a detector
 * @returns {(actual: Tensors | null) => TaskVerification} null: outputs that cannot be compared
 */
export function taskMeasure(expected, postprocessing, priors) {
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
    const found = actual ? detectIfPossible(actual, boxes, postprocessing) : [];
    return verdict('detections', wanted.length, found.length, matched(wanted, found));
  };
}

/**
 * What was found; nothing in outputs that are finite but so far off that a box overflows.
 * @param {Tensors} actual
 * @param {Tensor} priors
 * @param {Ssd} ssd
 */
function detectIfPossible(actual, priors, ssd) {
  try {
    return detect(actual, priors, ssd);
  } catch (error) {
    if (error instanceof ZooError) return [];
    throw error;
  }
}

/**
 * The classes of the `k` greatest logits, in order; the lower index first where two are equal.
 * @param {Tensor} logits (1, C)
 * @param {number} k
 * @returns {number[]}
 */
function topK({ data }, k) {
  const order = Array.from(data.keys());
  const logit = (/** @type {number} */ index) => /** @type {number} */ (data[index]);
  return order.sort((a, b) => logit(b) - logit(a) || a - b).slice(0, k);
}

/**
 * How many pairs there are of one expected and one actual detection with the same class, an IoU of at least 0.99 and scores
 * within 0.001. Each detection is in one pair at the most; the greatest IoU goes first.
 * @param {readonly Detection[]} expected
 * @param {readonly Detection[]} actual
 */
function matched(expected, actual) {
  const free = new Set(actual);
  let count = 0;
  for (const wanted of expected) {
    let greatest = 0;
    /** @type {Detection | null} */
    let partner = null;
    for (const found of free) {
      if (found.class_index !== wanted.class_index || Math.abs(found.score - wanted.score) > MAX_SCORE_DIFFERENCE) continue;
      const overlap = sameBox(wanted.box, found.box) ? 1 : iou(wanted.box, found.box);
      if (overlap >= MIN_IOU && overlap > greatest) [greatest, partner] = [overlap, found];
    }
    if (partner) {
      free.delete(partner);
      count += 1;
    }
  }
  return count;
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
 * @param {'top_5' | 'detections'} measure
 * @param {number} expected
 * @param {number} actual
 * @param {number} agreeing
 * @returns {TaskVerification}
 */
function verdict(measure, expected, actual, agreeing) {
  return { measure, expected, actual, matched: agreeing, passed: expected === actual && actual === agreeing };
}

/**
 * @param {Tensors} tensors a classifier's outputs
 * @returns {Tensor}
 */
function onlyOne(tensors) {
  const all = Object.values(tensors);
  if (all.length !== 1) throw new Error(`a classifier has one output, not ${all.length}`);
  return /** @type {Tensor} */ (all[0]);
}
