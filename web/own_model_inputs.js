/** Inputs for a model of which nothing is known but what its file says: dimensions to ask for, and noise. */

import { ZooError } from './errors.js';
import { randomNumbers } from './random.js';

/** @import { OnnxInput } from './onnx_metadata.js' */
/** A number that the file leaves open. Dimensions of one name are one number. */
/** @typedef {{key: string, label: string, value: number}} OpenDimension */
/** @typedef {Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array} Numbers */
/** Numbers of a type as onnxruntime-web names it; float16 as the bits of each number. */
/** @typedef {{type: string, dims: readonly number[], data: Numbers}} TypedTensor */
/** @typedef {Readonly<Record<string, TypedTensor>>} TypedTensors */

/** What a dimension of such a name usually is. The first that fits counts. */
const USUAL = /** @type {const} */ ([
  [/batch|^n$|^bs$/i, 1],
  [/height|width|^h$|^w$|size|image/i, 224],
  [/channel|^c$/i, 3],
  [/seq|len|token/i, 16],
]);
/** As much as an ArrayBuffer surely holds. */
const MOST_BYTES = 2 ** 31 - 1;
/** What stands where in a tensor of four dimensions without names: images, batch first. */
const USUAL_IMAGE = [1, 3, 224, 224];

/**
 * How noise of each type is made from a number in [0, 1). Images are used to numbers from 0 to 1; whole numbers are mostly indices and
 * masks, for which 0 and 1 are valid.
 * @type {Readonly<Record<string, {make: (size: number) => Numbers, of: (u: number) => number | bigint}>>}
 */
const NOISE = {
  float32: { make: (size) => new Float32Array(size), of: (u) => u },
  float64: { make: (size) => new Float64Array(size), of: (u) => u },
  float16: { make: (size) => new Uint16Array(size), of: halfBits },
  int64: { make: (size) => new BigInt64Array(size), of: (u) => BigInt(Math.floor(2 * u)) },
  uint64: { make: (size) => new BigUint64Array(size), of: (u) => BigInt(Math.floor(2 * u)) },
  int32: { make: (size) => new Int32Array(size), of: (u) => Math.floor(2 * u) },
  uint32: { make: (size) => new Uint32Array(size), of: (u) => Math.floor(2 * u) },
  int16: { make: (size) => new Int16Array(size), of: (u) => Math.floor(2 * u) },
  uint16: { make: (size) => new Uint16Array(size), of: (u) => Math.floor(2 * u) },
  bool: { make: (size) => new Uint8Array(size), of: (u) => Math.floor(2 * u) },
  uint8: { make: (size) => new Uint8Array(size), of: (u) => Math.floor(256 * u) },
  int8: { make: (size) => new Int8Array(size), of: (u) => Math.floor(256 * u) - 128 },
};

/**
 * What has to be asked before the inputs can be made.
 * @param {readonly OnnxInput[]} inputs
 * @returns {readonly OpenDimension[]}
 * @throws {ZooError} for an input that this page cannot make
 */
export function openDimensions(inputs) {
  /** @type {Map<string, OpenDimension>} */
  const open = new Map();
  for (const input of inputs) {
    const dims = makeable(input);
    dims.forEach((dim, axis) => {
      const key = keyOf(input.name, dim, axis);
      if (key === null || open.has(key)) return;
      const label = typeof dim === 'string' ? dim : `${input.name}, dimension ${axis + 1}`;
      open.set(key, { key, label, value: usual(dim, axis, dims.length) });
    });
  }
  return [...open.values()];
}

/**
 * The same noise in every visit, so that two runs compute the same.
 * @param {readonly OnnxInput[]} inputs
 * @param {Readonly<Record<string, number>>} chosen by the key of each open dimension
 * @returns {TypedTensors}
 * @throws {ZooError | RangeError} RangeError where this device has not so much memory
 */
export function noise(inputs, chosen) {
  return Object.fromEntries(
    inputs.map((input, index) => {
      const dims = makeable(input).map((dim, axis) => {
        const key = keyOf(input.name, dim, axis);
        return key === null ? /** @type {number} */ (dim) : /** @type {number} */ (chosen[key]);
      });
      const { make, of } = /** @type {(typeof NOISE)[string]} */ (NOISE[input.type]);
      const size = dims.reduce((product, dim) => product * dim, 1);
      if (size * make(0).BYTES_PER_ELEMENT > MOST_BYTES) throw tooLarge(input.name, dims);
      const data = make(size);
      const next = randomNumbers(index + 1);
      for (let at = 0; at < data.length; at += 1) data[at] = of(next());
      return [input.name, { type: input.type, dims, data }];
    }),
  );
}

/**
 * The dimensions of an input that this page can make.
 * @param {OnnxInput} input
 * @returns {readonly (number | string | null)[]}
 */
function makeable({ name, type, dims }) {
  if (!Object.hasOwn(NOISE, type)) {
    throw new ZooError(`This page cannot make the input ${name}`, {
      got: type,
      expected: `a tensor of ${Object.keys(NOISE).join(', ')}`,
      next: 'export the model with such an input',
    });
  }
  if (dims === null) {
    throw new ZooError(`The file does not tell the shape of the input ${name}`, {
      got: `${type} of any number of dimensions`,
      expected: 'dimensions, each a number or a name',
      next: 'export the model with shapes',
    });
  }
  return dims;
}

/**
 * @param {string} name
 * @param {readonly number[]} dims
 */
function tooLarge(name, dims) {
  return new ZooError(`The input ${name} would not fit into a browser's memory`, {
    got: dims.join(' × '),
    expected: 'at most 2147 MB',
    next: 'choose smaller dimensions',
  });
}

/**
 * @param {string} input
 * @param {number | string | null} dim
 * @param {number} axis
 * @returns {string | null} null for a dimension that the file gives
 */
function keyOf(input, dim, axis) {
  if (typeof dim === 'number') return null;
  return dim ?? `${input}[${axis}]`;
}

/**
 * @param {number | string | null} dim
 * @param {number} axis
 * @param {number} rank
 */
function usual(dim, axis, rank) {
  const named = USUAL.find(([pattern]) => typeof dim === 'string' && pattern.test(dim));
  if (named) return named[1];
  return (rank === 4 ? USUAL_IMAGE[axis] : 1) ?? 1;
}

/**
 * A number in [0, 1) in half precision (IEEE 754 binary16), rounded down; under its least normal number it becomes 0.
 * @param {number} value
 */
function halfBits(value) {
  const exponent = Math.floor(Math.log2(value));
  return exponent < -14 ? 0 : ((exponent + 15) << 10) | Math.floor((value / 2 ** exponent - 1) * 1024);
}
