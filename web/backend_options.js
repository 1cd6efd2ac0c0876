/** The backends that this device offers, and those that the URL names besides, as the form shows them. */

import { counted } from './format.js';
import { isSoftware } from './gpu.js';

/** @import { DeviceType } from './run_types.js' */
/** @import { BackendOption } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { GpuProbe } from './gpu.js' */
/** @typedef {{webgl: boolean, webnn: boolean}} Offers whether a worker can have them */

const NO_SHARED_MEMORY =
  'this page has no shared memory, which needs https (or localhost), cross-origin isolation and a browser with WebAssembly threads';
const TOO_SLOW = 'is emulated in software: good for checking outputs, far too slow to time.';
const WEBNN = /** @type {const} */ (['cpu', 'gpu', 'npu']);

/** @returns {Offers} */
export function readOffers() {
  const gl = 'OffscreenCanvas' in window ? new OffscreenCanvas(1, 1).getContext('webgl2') : null;
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return { webgl: gl !== null, webnn: 'ml' in navigator };
}

/**
 * WebAssembly on all cores, on one, and on each power of two between; WebGPU, which every device is asked about; WebGL and WebNN where
 * the browser has them; and what the URL names.
 * @param {Environment} environment
 * @param {GpuProbe} probe
 * @param {readonly string[]} asked from the URL
 * @param {Offers} [offers]
 * @returns {readonly BackendOption[]} each value once
 */
export function backendOptions(environment, probe, asked, offers = readOffers()) {
  const threads = threadsOf(environment);
  const fewer = [];
  for (let count = 1; count < threads; count *= 2) fewer.push(`wasm-${count}`);
  const webnn = offers.webnn ? WEBNN.map((deviceType) => `webnn-${deviceType}`) : [];
  const values = new Set(['wasm', ...fewer, 'webgpu', ...(offers.webgl ? ['webgl'] : []), ...webnn, ...asked]);
  return [...values].map((value) => optionOf(value, environment, probe, offers));
}

/**
 * @param {string} value
 * @param {Environment} environment
 * @param {GpuProbe} probe
 * @param {Offers} offers
 * @returns {BackendOption}
 */
function optionOf(value, environment, probe, offers) {
  if (value === 'webgpu') return webgpuOption(probe);
  if (value === 'webgl') return webglOption(environment, offers);
  const deviceType = WEBNN.find((type) => value === `webnn-${type}`);
  return deviceType ? webnnOption(deviceType, environment, offers) : wasmOption(value, environment);
}

/**
 * How many threads WebAssembly can have.
 * @param {Environment} environment
 */
function threadsOf({ cross_origin_isolated: isolated, wasm_threads: sharedMemory, cores }) {
  return isolated && sharedMemory ? (cores ?? 1) : 1;
}

/**
 * @param {string} value wasm or wasm-N
 * @param {Environment} environment
 * @returns {BackendOption}
 */
function wasmOption(value, environment) {
  const { cross_origin_isolated: isolated, wasm_threads: sharedMemory, cores } = environment;
  const available = threadsOf(environment);
  const named = /^wasm-(\d+)$/.exec(value)?.[1];
  const threads = named ? Number(named) : available;
  return {
    value,
    backend: 'wasm',
    deviceType: null,
    threads,
    title: `WebAssembly, ${counted(threads, 'thread')}`,
    note: named ? '' : wasmNote(isolated, sharedMemory, available),
    blocked: named ? threadsBlocked(threads, isolated && sharedMemory, cores) : null,
    chosenByDefault: !named,
  };
}

/**
 * @param {boolean} isolated
 * @param {boolean} sharedMemory
 * @param {number} available
 */
function wasmNote(isolated, sharedMemory, available) {
  if (!sharedMemory) return 'This browser has no WebAssembly threads.';
  if (!isolated) return 'Threads need https (or localhost) and cross-origin isolation.';
  return available === 1 ? 'This device has one core.' : 'As many threads as this device has cores.';
}

/**
 * Why a number of threads cannot be had, or is no choice of its own.
 * @param {number} threads
 * @param {boolean} threaded
 * @param {number | null} cores
 */
function threadsBlocked(threads, threaded, cores) {
  if (threads > 1 && !threaded) return `${threads} threads cannot be had: ${NO_SHARED_MEMORY}`;
  if (cores !== null && threads > cores) return `${threads} threads cannot be had: this device has ${counted(cores, 'core')}`;
  return null;
}

/**
 * @param {GpuProbe} probe
 * @returns {BackendOption}
 */
function webgpuOption({ gpu, missing }) {
  const name = gpu ? [gpu.vendor, gpu.architecture, gpu.description].filter(Boolean).join(' ') : '';
  return {
    value: 'webgpu',
    backend: 'webgpu',
    deviceType: null,
    threads: 1,
    title: 'WebGPU',
    note: gpu?.software ? `${name || 'The GPU'} ${TOO_SLOW}` : name,
    blocked: missing,
    chosenByDefault: gpu !== null && !gpu.software,
  };
}

/**
 * Never chosen by default: onnxruntime-web gives it up, and it lacks operators of most networks.
 * @param {Environment} environment
 * @param {Offers} offers
 * @returns {BackendOption}
 */
function webglOption({ webgl_renderer: renderer }, { webgl }) {
  return {
    value: 'webgl',
    backend: 'webgl',
    deviceType: null,
    threads: 1,
    title: 'WebGL',
    note: isSoftware(renderer) ? `${renderer} ${TOO_SLOW}` : 'Has few operators: most networks do not run on it.',
    blocked: webgl ? null : 'this browser gives a worker no WebGL 2',
    chosenByDefault: false,
  };
}

/**
 * Never chosen by default: a browser may have WebNN without the device, which it tells only when a model is opened.
 * @param {DeviceType} deviceType
 * @param {Environment} environment
 * @param {Offers} offers
 * @returns {BackendOption}
 */
function webnnOption(deviceType, { secure_context: isSecure }, { webnn }) {
  const missing = isSecure ? 'this browser has no WebNN' : 'WebNN needs https (or localhost)';
  return {
    value: `webnn-${deviceType}`,
    backend: 'webnn',
    deviceType,
    threads: 1,
    title: `WebNN, ${deviceType.toUpperCase()}`,
    note: 'Still being tried out in browsers.',
    blocked: webnn ? null : missing,
    chosenByDefault: false,
  };
}

/**
 * As an address names it, with the threads that it really gets.
 * @param {BackendOption} option
 */
export function nameInAddress({ backend, threads, value }) {
  return backend === 'wasm' ? `wasm-${threads}` : value;
}
