/** What WebAssembly supports here, found by validating the smallest modules that use it. */

/** Magic number and version. */
const START = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** Type section, one function type; function section, one function of that type. */
const NOTHING_TO_NOTHING = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
const NOTHING_TO_V128 = [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b];
const ONE_FUNCTION = [0x03, 0x02, 0x01, 0x00];
/** Memory section: one memory, shared, one page at least and at most. */
const SHARED_MEMORY = [0x05, 0x04, 0x01, 0x03, 0x01, 0x01];

const I32_CONST_0 = [0x41, 0x00];
const I8X16_SPLAT = [0xfd, 0x0f];
const ZEROS = [...I32_CONST_0, ...I8X16_SPLAT];
const I8X16_RELAXED_SWIZZLE = [0xfd, 0x80, 0x02];
const I32_ATOMIC_LOAD = [0xfe, 0x10, 0x02, 0x00];
const DROP = [0x1a];
const END = [0x0b];

/**
 * @returns {{wasm_simd: boolean, wasm_relaxed_simd: boolean, wasm_threads: boolean}} threads: atomics and shared memory; using
 *     them takes a cross-origin isolated page too
 */
export function wasmFeatures() {
  return {
    wasm_simd: validates([...NOTHING_TO_V128, ...ONE_FUNCTION, ...code([...ZEROS, ...END])]),
    wasm_relaxed_simd: validates([
      ...NOTHING_TO_V128,
      ...ONE_FUNCTION,
      ...code([...ZEROS, ...ZEROS, ...I8X16_RELAXED_SWIZZLE, ...END]),
    ]),
    wasm_threads: validates([
      ...NOTHING_TO_NOTHING,
      ...ONE_FUNCTION,
      ...SHARED_MEMORY,
      ...code([...I32_CONST_0, ...I32_ATOMIC_LOAD, ...DROP, ...END]),
    ]),
  };
}

/**
 * A code section with one body that has no locals. Lengths fit in one byte.
 * @param {readonly number[]} instructions
 */
function code(instructions) {
  const body = [0x00, ...instructions];
  return [0x0a, body.length + 2, 0x01, body.length, ...body];
}

/** @param {readonly number[]} sections */
function validates(sections) {
  return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array([...START, ...sections]));
}
