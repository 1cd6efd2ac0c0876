/** Reading safetensors files: an 8-byte little-endian header length, a JSON header, then the tensors' bytes. */

import { ZooError } from './errors.js';

/** @import { RawTensors, Tensor, Tensors } from './types.js' */

/** The types of a manifest's tensors, as safetensors files and as runtimes name them, with the size of a number. */
const SIZES = /** @type {const} */ ({ F32: 4, I64: 8 });

/**
 * All tensors of a safetensors file. Each is copied, so that it is aligned and the file's buffer can be dropped.
 * @param {Uint8Array} bytes the whole file
 * @param {string} name for messages
 * @returns {Tensors} tensors by name
 * @throws {ZooError} when it is not such a file, holds anything but float32 and int64, or an int64 that a double does not hold
 */
export function readSafetensors(bytes, name) {
  const { header, dataStart } = readHeader(bytes, name);
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [key, entry] of Object.entries(header)) {
    if (key !== '__metadata__') tensors[key] = readTensor(bytes, dataStart, entry, `${name}, tensor ${key}`);
  }
  return tensors;
}

/**
 * A runtime's outputs as the page compares them.
 * @param {RawTensors} outputs
 * @returns {Tensors}
 * @throws {ZooError} for a type that no manifest has, or an int64 that a double does not hold
 */
export function readOutputs(outputs) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => {
      if (data instanceof Float32Array) return [name, { data, dims }];
      if (data instanceof BigInt64Array) return [name, { data: exactNumbers(data, `output ${name}`), dims }];
      throw new ZooError(`The output ${name} has a type that the page does not read`, {
        got: Object.prototype.toString.call(data).slice(8, -1),
        expected: 'float32 or int64',
        next: 'build this model anew',
      });
    }),
  );
}

/**
 * One tensor by name.
 * @param {Tensors} tensors
 * @param {string} key
 * @param {string} name of the file, for the message
 * @returns {Tensor}
 */
export function tensorOf(tensors, key, name) {
  const tensor = tensors[key];
  if (!tensor) throw broken(`${name} lacks a tensor`, Object.keys(tensors).join(', ') || 'none', key);
  return tensor;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} name
 * @returns {{header: Record<string, any>, dataStart: number}}
 */
function readHeader(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (8 + length > bytes.byteLength) throw broken(`${name} is cut off`, `${bytes.byteLength} bytes`, 'a whole safetensors file');
  try {
    const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    return { header, dataStart: 8 + length };
  } catch {
    throw broken(`${name} is not a safetensors file`, 'a header that is not JSON', 'a JSON header');
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} dataStart
 * @param {any} entry one value of the header
 * @param {string} name
 * @returns {Tensor}
 */
function readTensor(bytes, dataStart, entry, name) {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  if (dtype !== 'F32' && dtype !== 'I64') throw broken(`${name} has a type that the page does not read`, String(dtype), 'F32 or I64');
  if (!isWholeNumbers(shape) || !isWholeNumbers(offsets) || offsets.length !== 2) {
    throw broken(`${name} is not described in full`, JSON.stringify(entry), 'shape and data_offsets');
  }
  const [begin, end] = /** @type {[number, number]} */ (offsets);
  const size = SIZES[/** @type {'F32' | 'I64'} */ (dtype)] * shape.reduce((product, side) => product * side, 1);
  if (end - begin !== size || dataStart + end > bytes.byteLength) {
    throw broken(`${name} has another size than its shape`, `${end - begin} bytes at ${begin}`, `${size} bytes inside the file`);
  }
  const { buffer } = bytes.slice(dataStart + begin, dataStart + end);
  return { data: dtype === 'F32' ? new Float32Array(buffer) : exactNumbers(new BigInt64Array(buffer), name), dims: shape };
}

/**
 * Whole numbers as doubles, each exactly.
 * @param {BigInt64Array} whole
 * @param {string} name for the message
 * @returns {Float64Array}
 */
function exactNumbers(whole, name) {
  const numbers = Float64Array.from(whole, Number);
  const inexact = numbers.findIndex((value) => !Number.isSafeInteger(value));
  if (inexact >= 0) throw broken(`${name} holds a number that JavaScript cannot count with`, String(whole[inexact]), 'less than 2**53');
  return numbers;
}

/**
 * @param {unknown} value
 * @returns {value is number[]}
 */
function isWholeNumbers(value) {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * @param {string} what
 * @param {string} got
 * @param {string} expected
 */
function broken(what, got, expected) {
  return new ZooError(what, { got, expected, next: 'run python -m builder all on the server, then reload the page' });
}
