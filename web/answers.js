/** What a network's outputs say: classes with probabilities, or things with boxes. The last step of the way from a picture to an answer. */

import { detect } from './detection.js';
import { ZooError } from './errors.js';
import { givenDetections, onlyOne, topK } from './task_measure.js';

/** @import { ModelEntry } from './manifest_types.js' */
/** @import { Detection, Tensor, Tensors } from './types.js' */

/** @typedef {{kind: 'classes', classes: readonly {class_index: number, probability: number}[]}} Classes */
/** @typedef {{kind: 'detections', detections: readonly Detection[]}} Detections `box` as fractions of the input */
/** @typedef {Classes | Detections} Answer */

/** Outputs that are positive and add up to 1, this much apart, are probabilities already. */
const SUM_TOLERANCE = 1e-3;

/**
 * Whether a network looks at pictures, and its outputs have a meaning.
 * @param {Pick<ModelEntry, 'input' | 'postprocessing'>} model
 */
export function answersPictures({ input, postprocessing }) {
  return input.preprocessing !== null && postprocessing.kind !== 'raw';
}

/**
 * @param {Tensors} outputs
 * @param {Pick<ModelEntry, 'input' | 'postprocessing'>} model one that `answersPictures`
 * @param {Tensor | null} priors of an SSD
 * @returns {Answer}
 * @throws {ZooError} when nothing can be made of the outputs
 */
export function answer(outputs, { input, postprocessing }, priors) {
  switch (postprocessing.kind) {
    case 'top_k':
      return { kind: 'classes', classes: likeliest(onlyOne(outputs), postprocessing.k) };
    case 'ssd':
      return { kind: 'detections', detections: detect(outputs, /** @type {Tensor} */ (priors), postprocessing) };
    case 'boxes':
      return { kind: 'detections', detections: inFractions(givenDetections(outputs, postprocessing), input.shape) };
    default:
      throw new Error('these outputs have no meaning that is known');
  }
}

/**
 * The greatest outputs' classes, and the softmax of all outputs there.
 * @param {Tensor} output (1, C)
 * @param {number} k
 */
function likeliest({ data, dims }, k) {
  let [greatest, least, sum] = [-Infinity, Infinity, 0];
  for (const logit of data) {
    greatest = Math.max(greatest, logit);
    least = Math.min(least, logit);
    sum += logit;
  }
  if (!Number.isFinite(greatest) || !Number.isFinite(sum)) {
    throw new ZooError('The outputs are not finite', { got: 'NaN or infinity', expected: 'finite numbers', next: 'try another backend' });
  }
  const best = topK({ data, dims }, k);
  const number = (/** @type {number} */ index) => /** @type {number} */ (data[index]);
  if (least >= 0 && Math.abs(sum - 1) <= SUM_TOLERANCE) return best.map((index) => ({ class_index: index, probability: number(index) }));
  let total = 0;
  for (const logit of data) total += Math.exp(logit - greatest);
  return best.map((index) => ({ class_index: index, probability: Math.exp(number(index) - greatest) / total }));
}

/**
 * @param {readonly Detection[]} detections whose boxes are in pixels of the input
 * @param {readonly number[]} shape (1, 3, H, W)
 * @returns {Detection[]} the best score first
 */
function inFractions(detections, [, , height = 1, width = 1]) {
  return detections
    .map((one) => {
      const [left, top, right, bottom] = one.box;
      return { ...one, box: /** @type {Detection['box']} */ ([left / width, top / height, right / width, bottom / height]) };
    })
    .sort((a, b) => b.score - a.score);
}
