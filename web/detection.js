/**
 * SSD post-processing: raw head outputs to boxes. The same algorithm, in the same order of operations, as builder/detection.py;
 * tests/web/test_detection.py compares the two.
 */

import { ZooError } from './errors.js';

/** @import { Ssd } from './manifest_types.js' */
/** @import { Detection, Tensor, Tensors } from './types.js' */

/**
 * Head outputs whatever their layout.
 * @typedef {object} Heads
 * @property {(prior: number, coordinate: number) => number} location
 * @property {(prior: number, index: number) => number} logit
 * @property {number} priors how many
 * @property {number} classes how many
 */

/**
 * The detections in an image, the best score first.
 * @param {Tensors} outputs the graph's outputs
 * @param {Tensor} priors (P, 4): centre x, centre y, width, height, as fractions of the image
 * @param {Ssd} ssd
 * @returns {Detection[]}
 * @throws {ZooError} when head outputs or boxes are not finite, or a shape is another than the priors ask for
 */
export function detect(outputs, priors, ssd) {
  const heads = readHeads(outputs, priors, ssd);
  const scores = ssd.score_activation === 'softmax' ? softmaxScores(heads) : sigmoidScores(heads);
  const boxes = decodeBoxes(heads, priors.data, ssd);
  /** @type {Detection[]} */
  const kept = [];
  for (let classIndex = 1; classIndex < heads.classes; classIndex += 1) {
    const candidates = bestCandidates(scores, heads, classIndex, ssd);
    for (const prior of suppress(candidates, boxes, ssd)) {
      kept.push({ class_index: classIndex, score: number(scores, prior * heads.classes + classIndex), box: boxAt(boxes, prior), prior });
    }
  }
  kept.sort((a, b) => b.score - a.score || a.class_index - b.class_index || a.prior - b.prior);
  return kept.slice(0, ssd.max_detections);
}

/**
 * Intersection over union of two boxes in corner form.
 * @param {readonly [number, number, number, number]} a
 * @param {readonly [number, number, number, number]} b
 * @returns {number} 0 where both are empty
 */
export function iou(a, b) {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const shared = width * height;
  const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  return union > 0 ? shared / union : 0;
}

/**
 * Both heads behind accessors that hide their layout.
 * @param {Tensors} outputs
 * @param {Tensor} priors
 * @param {Ssd} ssd
 * @returns {Heads}
 */
function readHeads(outputs, priors, ssd) {
  const locations = outputs[ssd.locations_output];
  const logits = outputs[ssd.scores_output];
  const count = priors.dims[0] ?? 0;
  const priorMajor = ssd.layout === 'prior_major';
  const classes = logits?.dims[priorMajor ? 2 : 1] ?? 0;
  const shapes = JSON.stringify([locations?.dims, logits?.dims]);
  const expected = JSON.stringify(priorMajor ? [[1, count, 4], [1, count, classes]] : [[1, 4, count], [1, classes, count]]);
  if (!locations || !logits || shapes !== expected) {
    throw new ZooError('The head outputs do not fit the priors', { got: shapes, expected, next: 'build this model anew' });
  }
  allFinite(locations.data, 'A head output');
  allFinite(logits.data, 'A head output');
  /** @type {(tensor: Tensor, inner: number) => (prior: number, index: number) => number} */
  const reader = ({ data }, inner) =>
    priorMajor ? (prior, index) => number(data, prior * inner + index) : (prior, index) => number(data, index * count + prior);
  return { location: reader(locations, 4), logit: reader(logits, classes), priors: count, classes };
}

/**
 * Softmax over the classes of every prior, in float64, rounded to float32. The sum runs in class order: a pairwise one could
 * round differently from Python's.
 * @param {Heads} heads
 * @returns {Float32Array} (P, C)
 */
function softmaxScores({ logit, priors, classes }) {
  const scores = new Float32Array(priors * classes);
  const exponentials = new Float64Array(classes);
  for (let prior = 0; prior < priors; prior += 1) {
    let greatest = -Infinity;
    for (let index = 0; index < classes; index += 1) greatest = Math.max(greatest, logit(prior, index));
    let total = 0;
    for (let index = 0; index < classes; index += 1) {
      const exponential = Math.exp(logit(prior, index) - greatest);
      exponentials[index] = exponential;
      total += exponential;
    }
    for (let index = 0; index < classes; index += 1) scores[prior * classes + index] = number(exponentials, index) / total;
  }
  return scores;
}

/**
 * Each class's own probability, in float64, rounded to float32.
 * @param {Heads} heads
 * @returns {Float32Array} (P, C)
 */
function sigmoidScores({ logit, priors, classes }) {
  const scores = new Float32Array(priors * classes);
  for (let prior = 0; prior < priors; prior += 1) {
    for (let index = 0; index < classes; index += 1) scores[prior * classes + index] = 1 / (1 + Math.exp(-logit(prior, index)));
  }
  return scores;
}

/**
 * Corner boxes of every prior, computed in float64, rounded to float32, then cut to the image if the settings say so.
 * @param {Heads} heads
 * @param {Float32Array | Float64Array} priors (P, 4)
 * @param {Ssd} ssd
 * @returns {Float32Array} (P, 4): x1, y1, x2, y2
 */
function decodeBoxes({ location, priors: count }, priors, { centre_variance: centre, size_variance: size, max_log_size: limit, clip }) {
  const boxes = new Float32Array(count * 4);
  for (let prior = 0; prior < count; prior += 1) {
    for (let axis = 0; axis < 2; axis += 1) {
      const priorCentre = number(priors, prior * 4 + axis);
      const priorSize = number(priors, prior * 4 + 2 + axis);
      const middle = location(prior, axis) * centre * priorSize + priorCentre;
      const half = (Math.exp(Math.min(location(prior, 2 + axis) * size, limit ?? Infinity)) * priorSize) / 2;
      boxes[prior * 4 + axis] = middle - half;
      boxes[prior * 4 + 2 + axis] = middle + half;
    }
  }
  return allFinite(clip ? boxes.map((corner) => Math.min(Math.max(corner, 0), 1)) : boxes, 'A box');
}

/**
 * The priors of one class above the threshold, best first, the lower index first where two are equal.
 * @param {Float32Array} scores
 * @param {Heads} heads
 * @param {number} classIndex
 * @param {Ssd} ssd
 */
function bestCandidates(scores, { priors, classes }, classIndex, ssd) {
  /** @type {number[]} */
  const found = [];
  const score = (/** @type {number} */ prior) => number(scores, prior * classes + classIndex);
  for (let prior = 0; prior < priors; prior += 1) if (score(prior) > ssd.score_threshold) found.push(prior);
  return found.sort((a, b) => score(b) - score(a) || a - b).slice(0, ssd.candidates_per_class);
}

/**
 * Greedy non-maximum suppression.
 * @param {readonly number[]} candidates priors, best first
 * @param {Float32Array} boxes
 * @param {Ssd} ssd
 * @returns {number[]} the survivors, best first
 */
function suppress(candidates, boxes, { iou_threshold: limit, suppress_at_threshold: atLimit }) {
  /** @type {number[]} */
  const survivors = [];
  for (const prior of candidates) {
    const box = boxAt(boxes, prior);
    const covered = survivors.some((other) => {
      const overlap = iou(boxAt(boxes, other), box);
      return atLimit ? overlap >= limit : overlap > limit;
    });
    if (!covered) survivors.push(prior);
  }
  return survivors;
}

/**
 * @param {Float32Array} boxes
 * @param {number} prior
 * @returns {[number, number, number, number]}
 */
function boxAt(boxes, prior) {
  const start = prior * 4;
  return [number(boxes, start), number(boxes, start + 1), number(boxes, start + 2), number(boxes, start + 3)];
}

/**
 * @template {Float32Array | Float64Array} Values
 * @param {Values} values
 * @param {string} what
 * @returns {Values}
 */
function allFinite(values, what) {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new ZooError(`${what} is not a finite number`, {
    got: `${values[bad]} at position ${bad}`,
    expected: 'finite numbers',
    next: 'the outputs of this run are wrong; try another backend',
  });
}

/**
 * @param {Float32Array | Float64Array} values
 * @param {number} index inside it
 */
function number(values, index) {
  return /** @type {number} */ (values[index]);
}
