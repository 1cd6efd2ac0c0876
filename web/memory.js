/** What browsers and runtimes say when memory does not suffice, as one message that can be recognised. */

import { ZooError, explain } from './errors.js';

const WHAT = 'The memory of this browser does not suffice';
/**
 * Words for it: the C++ library's and Emscripten's inside onnxruntime-web, onnxruntime's own (the last two for what no 32-bit address
 * reaches), those of JavaScript and WebAssembly in Chromium, Firefox and Safari, and WebGPU's
 * (gpuweb.github.io/gpuweb/#gpuoutofmemoryerror) with the graphics interfaces' below it.
 */
const SAID = new RegExp(
  [
    'bad_alloc',
    'Aborted\\(OOM',
    'Cannot enlarge memory',
    'failed to allocate a buffer of size',
    'Failed to allocate memory',
    'SafeIntOnOverflow',
    'Tensor shape is too large',
    'Array buffer allocation failed',
    'Invalid (typed )?array(buffer)? length',
    'could not allocate memory',
    'out of memory',
    'out-of-memory',
    'OutOfMemory',
    'OUT_OF_(DEVICE|HOST)_MEMORY',
    'Not enough memory',
  ].join('|'),
  'i',
);

/**
 * Whether something failed for lack of memory: also of a message alone, which is all that a worker sends.
 * @param {unknown} thrown an error, or its message
 */
export function isOutOfMemory(thrown) {
  const said = typeof thrown === 'string' ? thrown : explain(thrown);
  return said.startsWith(WHAT) || SAID.test(said);
}

/**
 * The same failure, or one that says what to do if memory was what lacked.
 * @param {unknown} thrown
 * @param {string} forWhat such as "for MobileNetV2"
 * @returns {unknown}
 */
export function refineMemory(thrown, forWhat) {
  if (thrown instanceof ZooError || !isOutOfMemory(thrown)) return thrown;
  return new ZooError(`${WHAT} ${forWhat}`, {
    got: explain(thrown),
    expected: 'room for the model, its inputs and what it computes, 4 GB at most in WebAssembly',
    next: 'close other tabs and programs, or choose fewer networks at a time, a smaller one or a smaller variant',
  });
}
