/** Numbers and names as people read them. */

/** @import { Verification } from './manifest_types.js' */
/** @import { DeviceType, Run, Stage } from './run_types.js' */
/** @typedef {Pick<Run, 'backend' | 'threads'> & {deviceType?: DeviceType | null, device_type?: DeviceType | null}} Asked a run, or an option of the form */

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

/**
 * With a full stop at its end, so that another sentence can follow.
 * @param {string} text
 */
export function sentence(text) {
  return text.endsWith('.') ? text : `${text}.`;
}

/**
 * A time that is not known exactly, as it is said.
 * @param {number} seconds
 */
export function roughly(seconds) {
  if (seconds < 8) return 'a few seconds';
  if (seconds < 55) return `about ${10 * Math.ceil(seconds / 10)} s`;
  if (seconds < 5400) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${Number((seconds / 3600).toFixed(1))} h`;
}

/**
 * How many inferences are timed, in words.
 * @param {{iterations: number, minTimeS: number, precision: number | null}} numbers
 */
export function samplesInWords({ iterations, minTimeS, precision }) {
  const floor = minTimeS > 0 ? `, over ${minTimeS} s at least` : '';
  const goal = precision === null ? '' : `, until the median's 95 % interval is under ${Number((100 * precision).toPrecision(6))} % of it`;
  return `${counted(iterations || 0, 'timed inference')}${floor}${goal}`;
}

const DEVICE_TYPES = /** @type {Readonly<Record<DeviceType, string>>} */ ({ cpu: 'CPU', gpu: 'GPU', npu: 'NPU' });

/**
 * A backend and what is said of it besides.
 * @param {Asked} asked
 * @returns {[name: string, detail: string]} the detail may be empty
 */
export function backendParts({ backend, threads, deviceType, device_type: type = deviceType }) {
  if (backend === 'wasm') return ['WebAssembly', counted(threads, 'thread')];
  if (backend === 'webnn') return ['WebNN', type ? DEVICE_TYPES[type] : ''];
  return [backend === 'webgpu' ? 'WebGPU' : 'WebGL', ''];
}

/** @param {Asked} asked */
export function backendName(asked) {
  return backendParts(asked).filter(Boolean).join(', ');
}

/**
 * How many of a model's nodes ran on another backend than was asked for.
 * @param {Pick<Run, 'backend' | 'placement'>} run
 * @returns {number | null} null where the runtime did not tell
 */
export function nodesFallenBack({ backend, placement }) {
  if (placement === null) return null;
  const elsewhere = Object.entries(placement).filter(([place]) => place !== backend);
  return elsewhere.flatMap(([, counts]) => Object.values(counts)).reduce((sum, count) => sum + count, 0);
}

/** @param {Stage} stage */
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
