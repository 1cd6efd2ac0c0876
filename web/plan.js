/** Which backends this device offers, and which runs a choice makes. */

import { counted } from './format.js';

/** @import { BackendOption, Choice, Manifest, PlannedRun } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { GpuProbe } from './gpu.js' */

const NO_SHARED_MEMORY =
  'this page has no shared memory, which needs https (or localhost), cross-origin isolation and a browser with WebAssembly threads';

/**
 * The backends to show: those that every device is asked about, and those that the URL names.
 * @param {Environment} environment
 * @param {GpuProbe} probe
 * @param {readonly string[]} asked from the URL
 * @returns {readonly BackendOption[]}
 */
export function backendOptions(environment, probe, asked) {
  const values = new Set(['wasm', 'wasm-1', 'webgpu', ...asked]);
  return [...values].map((value) => (value === 'webgpu' ? webgpuOption(probe) : wasmOption(value, environment)));
}

/**
 * The runs of a choice in the order chosen, model by model, so that a model's file is fetched once and then comes from the browser's cache.
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly PlannedRun[]}
 */
export function planRuns({ models }, options, choice) {
  const chosen = choice.models.flatMap((wanted) => models.filter(({ id }) => id === wanted));
  const backends = choice.backends.flatMap((wanted) => options.filter(({ value }) => value === wanted));
  return chosen.flatMap((model) => model.variants.flatMap((variant) => backends.map((option) => ({ model, variant, option }))));
}

/**
 * @param {string} value wasm or wasm-N
 * @param {Environment} environment
 * @returns {BackendOption}
 */
function wasmOption(value, { cross_origin_isolated: isolated, wasm_threads: sharedMemory, cores }) {
  const threaded = isolated && sharedMemory;
  const available = threaded ? (cores ?? 1) : 1;
  const named = /^wasm-(\d+)$/.exec(value)?.[1];
  const threads = named ? Number(named) : available;
  return {
    value,
    backend: 'wasm',
    threads,
    title: `WebAssembly, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    note: named ? '' : wasmNote(isolated, sharedMemory, available),
    blocked: named ? threadsBlocked(threads, threaded, cores) : null,
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
    threads: 1,
    title: 'WebGPU',
    note: gpu?.software ? `${name || 'The GPU'} is emulated in software: good for checking outputs, far too slow to time.` : name,
    blocked: missing,
    chosenByDefault: gpu !== null && !gpu.software,
  };
}
