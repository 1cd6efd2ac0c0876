/** Numbers and names as people read them. */

/** @import { Verification } from './manifest_types.js' */
/** @import { Run } from './types.js' */

/**
 * A duration with about three significant digits, without its unit.
 * @param {number | null} ms
 * @returns {string} a dash for what is not known
 */
export function milliseconds(ms) {
  if (ms === null) return '–';
  if (ms >= 100) return ms.toFixed(0);
  return ms.toFixed(ms >= 10 ? 1 : 2);
}

/**
 * Bytes in units of a million, as file managers count.
 * @param {number} bytes
 */
export function megabytes(bytes) {
  const value = bytes / 1e6;
  return value >= 0.05 ? value.toFixed(1) : value.toFixed(4);
}

/**
 * Multiply-accumulate operations, in thousand millions.
 * @param {number} macs
 */
export function gigaMacs(macs) {
  const value = macs / 1e9;
  return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))} GMAC`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** @param {Pick<Run, 'backend' | 'threads'>} run */
export function backendName({ backend, threads }) {
  return backend === 'webgpu' ? 'WebGPU' : `WebAssembly, ${counted(threads, 'thread')}`;
}

/** @param {import('./types.js').Stage} stage */
export function stageName(stage) {
  return stage.replaceAll('_', ' ');
}

/**
 * What came of comparing outputs, in a few words.
 * @param {readonly (Verification | null)[]} verifications those of a run
 * @param {string} heldTo what they were compared with
 * @returns {{outcome: 'passed' | 'failed' | 'unknown', words: string, tolerance: string}}
 */
export function verdict(verifications, heldTo = 'PyTorch') {
  const made = verifications.filter((verification) => verification !== null);
  if (made.length === 0) return { outcome: 'unknown', words: 'not checked', tolerance: '' };
  if (!made.every(({ passed }) => passed)) return { outcome: 'failed', words: `differs from ${heldTo}`, tolerance: '' };
  const percent = 100 * Math.max(...made.flatMap(({ outputs }) => outputs.map((output) => output.tolerance_used ?? 0)));
  const digits = percent > 0 && percent < 1 ? 'under 1' : percent.toFixed(0);
  return { outcome: 'passed', words: `matches ${heldTo}`, tolerance: `${digits} % of tolerance` };
}
