/**
 * The proof for a file without a reference of PyTorch's: its outputs are held to a second session on the same device that shares as
 * little as possible with the timed one: WebAssembly, one thread, graph optimisation disabled, in a worker of its own.
 */

import { compareOutput } from './compare.js';
import { ZooError } from './errors.js';
import { shareUsed } from './task_measure.js';

/** @import { OutputVerification, Verification } from './manifest_types.js' */
/** @import { RawTensors } from './types.js' */
/** @typedef {BigInt64Array | BigUint64Array} Whole */
/** An output as plain numbers, which hold whole numbers exactly up to 2^53; beside them, int64 and uint64 as they are. */
/** @typedef {{type: string, dims: readonly number[], data: Float64Array, whole: Whole | null}} NumericOutput */
/** @typedef {Readonly<Record<string, NumericOutput>>} NumericOutputs */

export const HELD_TO = 'unoptimised WebAssembly on this device';
/**
 * Of each number, and of the greatest |reference| of its output: beside a fixed limit, an output of small numbers would prove nothing.
 * Whole numbers and truth values have to be the same.
 */
const FLOAT_TOLERANCE = 1e-3;

/**
 * Outputs as numbers, copied out of the runtime's memory.
 * @param {RawTensors} outputs
 * @returns {NumericOutputs}
 * @throws {ZooError} for outputs that are not numbers
 */
export function asNumbers(outputs) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type = 'float32', dims, data }]) => {
      if (!ArrayBuffer.isView(data)) {
        throw new ZooError(`The output ${name} cannot be compared`, {
          got: type,
          expected: 'a tensor of numbers',
          next: 'export the model without that output',
        });
      }
      const numbers = /** @type {Iterable<number | bigint> & ArrayBufferView} */ (data);
      const halves = type === 'float16' && data instanceof Uint16Array;
      const whole = data instanceof BigInt64Array || data instanceof BigUint64Array ? data.slice() : null;
      return [name, { type, dims: [...dims], data: halves ? Float64Array.from(data, fromHalfBits) : Float64Array.from(numbers, Number), whole }];
    }),
  );
}

/**
 * Whether these outputs can prove anything; the message says why not.
 * @param {NumericOutputs} reference
 * @throws {ZooError}
 */
export function requireTelling(reference) {
  const broken = Object.entries(reference).find(([, { data }]) => !data.every(Number.isFinite));
  if (broken) {
    throw new ZooError(`The output ${broken[0]} holds NaN or infinity for noise, even in ${HELD_TO}`, {
      got: `${broken[1].data.filter((value) => !Number.isFinite(value)).length} of ${broken[1].data.length} numbers that are not finite`,
      expected: 'finite numbers, which can be compared',
      next: 'time a model that gives finite outputs for inputs from 0 to 1',
    });
  }
  const all = Object.values(reference).map(({ data }) => data);
  const size = all.reduce((sum, data) => sum + data.length, 0);
  const first = all.find((data) => data.length > 0)?.[0] ?? 0;
  const tells = size === 1 ? first !== 0 : all.some((data) => data.some((value) => value !== first));
  if (!tells) {
    throw new ZooError('The outputs are the same everywhere, so that comparing them would prove nothing', {
      got: size === 0 ? 'no numbers at all' : `${size} times ${first}`,
      expected: 'outputs that tell a right computation from a wrong one',
      next: 'time a model whose outputs differ from one another for noise',
    });
  }
}

/**
 * @param {NumericOutputs} reference
 * @param {string} runtime what ran, for people
 * @returns {(actual: NumericOutputs) => Verification}
 */
export function ownVerifier(reference, runtime) {
  return (actual) => {
    const outputs = Object.entries(reference).map(([name, output]) => compareOwn(name, actual[name], output));
    const expected = countNumbers(reference);
    const matched = Object.entries(reference).reduce((sum, [name, output]) => sum + countWithin(actual[name], output), 0);
    const counts = { expected, actual: countNumbers(actual), matched };
    const task = { measure: /** @type {const} */ ('elements'), ...counts, passed: expected === counts.actual && expected === matched };
    return { reference: 'noise', runtime, outputs, task, passed: task.passed && outputs.every(({ passed }) => passed) };
  };
}

/**
 * A verification that failed, as an error for people.
 * @param {Verification} verification
 * @param {readonly string[]} random operators of the file whose outputs are drawn at random
 * @returns {ZooError}
 */
export function ownMismatch({ outputs, task, runtime }, random) {
  const off = outputs.filter(({ passed }) => !passed).map(({ output, max_abs_diff: difference, tolerance_used: used }) =>
    difference === null || used === null
      ? `${output} is missing, of another shape or type, or not finite`
      : `${output} is off by up to ${difference.toPrecision(3)}, ${used.toPrecision(3)} times its tolerance`,
  );
  return new ZooError(`The outputs of ${runtime} differ from ${HELD_TO}`, {
    got: `${off.join('; ')}; ${task.matched} of ${task.expected} numbers agree`,
    expected: `floating-point numbers within ${FLOAT_TOLERANCE} × (|reference| + the output's greatest |reference|), all others the same`,
    next:
      random.length > 0
        ? `take out what draws random numbers (${random.join(', ')}): no two runs of it agree`
        : 'take no timing of this backend: it computes something else, or the file draws random numbers',
  });
}

/** @param {NumericOutputs} outputs */
function countNumbers(outputs) {
  return Object.values(outputs).reduce((sum, { data }) => sum + data.length, 0);
}

/**
 * How far an output is from the reference. Whole numbers that doubles do not tell apart still differ.
 * @param {string} name
 * @param {NumericOutput | undefined} actual
 * @param {NumericOutput} expected
 * @returns {OutputVerification}
 */
function compareOwn(name, actual, expected) {
  const tolerance = { output: name, ...tolerances(expected), reason: '' };
  const compared = compareOutput(isLike(actual, expected) ? actual : undefined, expected, tolerance);
  if (!compared.passed || countWithin(actual, expected) === expected.data.length) return compared;
  return { ...compared, max_abs_diff: 1, tolerance_used: shareUsed(1, 0, tolerance), passed: false };
}

/**
 * @param {NumericOutput | undefined} actual
 * @param {NumericOutput} expected
 */
function countWithin(actual, expected) {
  if (!isLike(actual, expected)) return 0;
  const { data, whole } = expected;
  const limits = tolerances(expected);
  let within = 0;
  data.forEach((value, at) => {
    const found = /** @type {number} */ (actual.data[at]);
    if (whole ? whole[at] === actual.whole?.[at] : shareUsed(found, value, limits) <= 1) within += 1;
  });
  return within;
}

/** @param {NumericOutput} reference */
function tolerances({ type, data }) {
  if (!type.startsWith('float')) return { atol: 0, rtol: 0 };
  const greatest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { atol: FLOAT_TOLERANCE * greatest, rtol: FLOAT_TOLERANCE };
}

/**
 * @param {NumericOutput | undefined} actual
 * @param {NumericOutput} expected
 * @returns {actual is NumericOutput}
 */
function isLike(actual, { type, dims }) {
  return actual !== undefined && actual.type === type && actual.dims.join() === dims.join();
}

/**
 * A number of half precision (IEEE 754 binary16) from its bits.
 * @param {number} bits
 */
function fromHalfBits(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
