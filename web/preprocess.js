/**
 * From a picture's pixels to a network's input, as builder/preprocess.py does it with Pillow: the same resize rule, the same antialiased
 * bilinear or bicubic filter, and Pillow's own arithmetic, so that the resized bytes are Pillow's bytes and the tensor is its tensor.
 * tests/web/test_preprocess.py holds the two together. Pure: it runs in workers too.
 *
 * Alpha is ignored, as by Pillow's convert("RGB"); who wants transparent pixels on white paints them there first (picture.js).
 */

/** @import { InputEntry, Preprocessing } from './manifest_types.js' */
/** @import { Tensor } from './types.js' */

/**
 * A picture row by row from the top, 4 bytes a pixel: red, green, blue, alpha; as ImageData is.
 * @typedef {{readonly data: Uint8ClampedArray, readonly width: number, readonly height: number}} Pixels
 */

/**
 * What is cut out of a picture that was resized to `width` x `height`: `cutWidth` x `cutHeight` pixels from `left`, `top`.
 * @typedef {{width: number, height: number, left: number, top: number, cutWidth: number, cutHeight: number}} Framing
 */

/** @typedef {{left: number, top: number, width: number, height: number}} Inside */

/** Weights of source pixels for each of some resized ones, in fixed point: `size` a pixel, of which `counts` are used, from `starts` on. */
/** @typedef {{weights: Int32Array, starts: Int32Array, counts: Int32Array, size: number}} Coefficients */

/** Pillow's fixed point: 8 bits for the result, 2 for overshooting filters. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** What a filter weighs at a distance, in source pixels, and beyond which it is 0. Bicubic is Pillow's, with a = -0.5. */
const FILTERS = {
  bilinear: { reach: 1, weigh: (/** @type {number} */ x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { reach: 2, weigh: cubic },
};

/**
 * The input tensor of a picture.
 * @param {Pixels} pixels
 * @param {InputEntry} input one that has preprocessing
 * @returns {Tensor} (1, 3, H, W)
 */
export function preprocess(pixels, input) {
  const rule = ruleOf(input);
  const { data, width, height } = fit(pixels, input);
  const size = width * height;
  const [reds, greens, blues] = /** @type {[Float32Array, Float32Array, Float32Array]} */ ([0, 1, 2].map((at) => normalised(rule, at)));
  const tensor = new Float32Array(3 * size);
  for (let at = 0, from = 0; at < size; at += 1, from += 3) {
    tensor[at] = floatOf(reds, byteOf(data, from));
    tensor[size + at] = floatOf(greens, byteOf(data, from + 1));
    tensor[2 * size + at] = floatOf(blues, byteOf(data, from + 2));
  }
  return { data: tensor, dims: [1, 3, height, width] };
}

/**
 * The picture as the network sees it, before numbers are made of its bytes.
 * @param {Pixels} pixels
 * @param {InputEntry} input one that has preprocessing
 * @returns {{data: Uint8ClampedArray, width: number, height: number}} 3 bytes a pixel
 */
export function fit(pixels, input) {
  const framing = frame(pixels, input);
  const filter = FILTERS[ruleOf(input).interpolation];
  const inside = insideOf(framing);
  const across = pixels.width === framing.width ? null : coefficients(pixels.width, framing.width, filter, inside.left, inside.width);
  const down = pixels.height === framing.height ? null : coefficients(pixels.height, framing.height, filter, inside.top, inside.height);

  const cut = columnsFirst(pixels, framing) && down ? downThenAcross(pixels, inside, across, down) : acrossThenDown(pixels, inside, across, down);
  return { data: placed(cut, inside, framing), width: framing.cutWidth, height: framing.cutHeight };
}

/**
 * How a picture of some size is resized and cut for an input. The cut may reach over the resized picture's edges, as Pillow's may.
 * @param {{width: number, height: number}} picture
 * @param {InputEntry} input one that has preprocessing
 * @returns {Framing}
 */
export function frame({ width, height }, input) {
  const { resize, size } = ruleOf(input);
  const [cutHeight, cutWidth] = /** @type {[number, number]} */ (input.shape.slice(2));
  if (resize === 'stretch') return { width: cutWidth, height: cutHeight, left: 0, top: 0, cutWidth, cutHeight };
  const shorter = /** @type {number} */ (size);
  const resized =
    width <= height
      ? { width: shorter, height: Math.trunc((shorter * height) / width) }
      : { width: Math.trunc((shorter * width) / height), height: shorter };
  return { ...resized, left: roundHalfEven((resized.width - cutWidth) / 2), top: roundHalfEven((resized.height - cutHeight) / 2), cutWidth, cutHeight };
}

/**
 * Which of the two passes Pillow makes first, which decides what is rounded between them: the columns', where the height shrinks by more
 * than twice what the width does (ImagingResampleInner of Pillow 13; older versions always begin with the rows).
 * @param {Pixels} pixels
 * @param {Framing} framing
 */
function columnsFirst({ width, height }, framing) {
  const shrinks = height - framing.height;
  return shrinks > 0 && shrinks > 2 * (width - framing.width);
}

/**
 * Rows first, and only those that the columns need.
 * @param {Pixels} pixels
 * @param {Inside} inside
 * @param {Coefficients | null} across null where the width stays
 * @param {Coefficients | null} down null where the height stays
 */
function acrossThenDown(pixels, inside, across, down) {
  const [firstRow, rows] = down ? rowsNeeded(down) : [inside.top, inside.height];
  const wide = across ? resizeAcross(pixels, firstRow, rows, across) : copyRows(pixels, firstRow, rows, inside);
  return down ? resizeDown(wide, 3 * inside.width, firstRow, down) : wide;
}

/**
 * @param {Pixels} pixels
 * @param {Inside} inside
 * @param {Coefficients | null} across null where the width stays
 * @param {Coefficients} down
 */
function downThenAcross({ data, width }, inside, across, down) {
  const low = { data: resizeDown(data, 4 * width, 0, down), width };
  return across ? resizeAcross(low, 0, inside.height, across) : copyRows(low, 0, inside.height, inside);
}

/** @param {InputEntry} input @returns {Preprocessing} */
function ruleOf({ name, preprocessing }) {
  if (!preprocessing) throw new Error(`the input ${name} is not made from a picture`);
  return preprocessing;
}

/**
 * The part of the cut that is inside the resized picture, in the resized picture's pixels.
 * @param {Framing} framing
 * @returns {Inside}
 */
function insideOf({ width, height, left, top, cutWidth, cutHeight }) {
  const [fromLeft, fromTop] = [Math.max(0, left), Math.max(0, top)];
  return { left: fromLeft, top: fromTop, width: Math.min(width, left + cutWidth) - fromLeft, height: Math.min(height, top + cutHeight) - fromTop };
}

/**
 * Pillow's weights (Resample.c, precompute_coeffs and normalize_coeffs_8bpc) for resized pixels `first` to `first + count`.
 * @param {number} source pixels
 * @param {number} resized pixels
 * @param {{reach: number, weigh: (x: number) => number}} filter
 * @param {number} first
 * @param {number} count
 * @returns {Coefficients}
 */
function coefficients(source, resized, { reach, weigh }, first, count) {
  const scale = source / resized;
  const widening = Math.max(scale, 1);
  const support = reach * widening;
  const size = Math.ceil(support) * 2 + 1;
  const made = { weights: new Int32Array(count * size), starts: new Int32Array(count), counts: new Int32Array(count), size };
  const exact = new Float64Array(size);
  for (let at = 0; at < count; at += 1) {
    const centre = (first + at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const used = Math.min(source, Math.trunc(centre + support + 0.5)) - start;
    let total = 0;
    for (let x = 0; x < used; x += 1) {
      exact[x] = weigh((x + start - centre + 0.5) * (1 / widening));
      total += doubleOf(exact, x);
    }
    for (let x = 0; x < used; x += 1) {
      const weight = (total === 0 ? doubleOf(exact, x) : doubleOf(exact, x) / total) * (1 << PRECISION_BITS);
      made.weights[at * size + x] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    made.starts[at] = start;
    made.counts[at] = used;
  }
  return made;
}

/** @param {number} distance */
function cubic(distance) {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** @param {Coefficients} down @returns {[first: number, count: number]} source rows */
function rowsNeeded({ starts, counts }) {
  const last = starts.length - 1;
  const first = intOf(starts, 0);
  return [first, intOf(starts, last) + intOf(counts, last) - first];
}

/**
 * Each row resized: 4 bytes a pixel become 3. Storing into a clamped array is Pillow's clip8.
 * @param {Pick<Pixels, 'data' | 'width'>} pixels
 * @param {number} firstRow
 * @param {number} rows
 * @param {Coefficients} across
 */
function resizeAcross({ data, width }, firstRow, rows, { weights, starts, counts, size }) {
  const columns = starts.length;
  const resized = new Uint8ClampedArray(rows * columns * 3);
  let to = 0;
  for (let row = firstRow; row < firstRow + rows; row += 1) {
    for (let column = 0; column < columns; column += 1, to += 3) {
      let from = (row * width + intOf(starts, column)) * 4;
      const begin = column * size;
      const end = begin + intOf(counts, column);
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let at = begin; at < end; at += 1, from += 4) {
        const weight = intOf(weights, at);
        red += Math.imul(byteOf(data, from), weight);
        green += Math.imul(byteOf(data, from + 1), weight);
        blue += Math.imul(byteOf(data, from + 2), weight);
      }
      resized[to] = red >> PRECISION_BITS;
      resized[to + 1] = green >> PRECISION_BITS;
      resized[to + 2] = blue >> PRECISION_BITS;
    }
  }
  return resized;
}

/**
 * Each column resized, whatever its bytes mean.
 * @param {Uint8ClampedArray} data rows from `firstRow` on
 * @param {number} stride bytes a row
 * @param {number} firstRow
 * @param {Coefficients} down
 */
function resizeDown(data, stride, firstRow, { weights, starts, counts, size }) {
  const rows = starts.length;
  const resized = new Uint8ClampedArray(rows * stride);
  let to = 0;
  for (let row = 0; row < rows; row += 1) {
    const top = (intOf(starts, row) - firstRow) * stride;
    const begin = row * size;
    const end = begin + intOf(counts, row);
    for (let column = 0; column < stride; column += 1, to += 1) {
      let sum = HALF;
      let from = top + column;
      for (let at = begin; at < end; at += 1, from += stride) sum += Math.imul(byteOf(data, from), intOf(weights, at));
      resized[to] = sum >> PRECISION_BITS;
    }
  }
  return resized;
}

/**
 * Rows as they are: 4 bytes a pixel become 3.
 * @param {Pick<Pixels, 'data' | 'width'>} pixels
 * @param {number} firstRow
 * @param {number} rows
 * @param {Inside} inside its columns
 */
function copyRows({ data, width }, firstRow, rows, { left, width: columns }) {
  const copied = new Uint8ClampedArray(rows * columns * 3);
  let to = 0;
  for (let row = firstRow; row < firstRow + rows; row += 1) {
    let from = (row * width + left) * 4;
    for (let column = 0; column < columns; column += 1, from += 4, to += 3) {
      copied[to] = byteOf(data, from);
      copied[to + 1] = byteOf(data, from + 1);
      copied[to + 2] = byteOf(data, from + 2);
    }
  }
  return copied;
}

/**
 * What is inside the resized picture put where it belongs in the cut; black around it, as Pillow's crop has it.
 * @param {Uint8ClampedArray} data
 * @param {Inside} inside
 * @param {Framing} framing
 */
function placed(data, inside, { left, top, cutWidth, cutHeight }) {
  if (inside.width === cutWidth && inside.height === cutHeight) return data;
  const whole = new Uint8ClampedArray(cutWidth * cutHeight * 3);
  for (let row = 0; row < inside.height; row += 1) {
    const line = data.subarray(row * inside.width * 3, (row + 1) * inside.width * 3);
    whole.set(line, ((row + inside.top - top) * cutWidth + inside.left - left) * 3);
  }
  return whole;
}

/**
 * What each byte of a channel becomes, rounded to float32 after each step as numpy rounds.
 * @param {Preprocessing} rule
 * @param {number} channel
 */
function normalised({ divisor, mean, std }, channel) {
  const [by, less, over] = [Math.fround(divisor), Math.fround(mean[channel] ?? 0), Math.fround(std[channel] ?? 1)];
  return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.fround(byte / by) - less) / over);
}

/** Python's round(): halves go to the even neighbour. @param {number} half */
function roundHalfEven(half) {
  const below = Math.floor(half);
  if (half - below !== 0.5) return Math.round(half);
  return below % 2 === 0 ? below : below + 1;
}

/*
 * Reading an array, a function for each kind: engines keep what they learn of an access by function, and one for all kinds made the whole
 * 1.7 times slower (V8 of Node 20).
 */

/**
 * @param {Uint8ClampedArray} bytes
 * @param {number} at inside them
 */
function byteOf(bytes, at) {
  return /** @type {number} */ (bytes[at]);
}

/**
 * @param {Int32Array} numbers
 * @param {number} at inside them
 */
function intOf(numbers, at) {
  return /** @type {number} */ (numbers[at]);
}

/**
 * @param {Float64Array} numbers
 * @param {number} at inside them
 */
function doubleOf(numbers, at) {
  return /** @type {number} */ (numbers[at]);
}

/**
 * @param {Float32Array} numbers
 * @param {number} at inside them
 */
function floatOf(numbers, at) {
  return /** @type {number} */ (numbers[at]);
}
