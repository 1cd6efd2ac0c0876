/** Which backends this device offers, which networks are light, and which runs a choice makes. */

import { counted } from './format.js';

/** @import { BackendName, BackendSupport, Manifest, ModelEntry, VariantEntry } from './manifest_types.js' */
/** @import { BackendOption, Choice, PlannedRun } from './types.js' */
/** @import { Environment } from './environment.js' */
/** @import { GpuProbe } from './gpu.js' */

const LIGHT_MACS = 10e9;
const LIGHT_BYTES = 60e6;
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
 * Whether a network is for any visitor: what is not is timed when it is asked for. The limits let a phone download a file in half a
 * minute at 16 Mbit/s, and run an inference in about a second: dense convolutions reach 9 to 12 billion multiplications a second on one
 * thread of WebAssembly (Chromium 156, AMD EPYC, November 2026).
 * @param {ModelEntry} model
 */
export function isLight({ variants }) {
  return variants.every(({ macs, bytes }) => macs <= LIGHT_MACS && bytes <= LIGHT_BYTES);
}

/**
 * What the builder predicts of a file on a backend; null where it says nothing of that backend.
 * @param {VariantEntry} variant
 * @param {BackendName} backend
 * @returns {BackendSupport | null}
 */
export function predictedSupport({ support }, backend) {
  return support.find((one) => one.backend === backend) ?? null;
}

/**
 * The runs of a choice in the order chosen, model by model, so that a model's file is fetched once and then comes from the browser's
 * cache. Without those that are predicted to stop, unless the choice wants even them.
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly PlannedRun[]}
 */
export function planRuns(manifest, options, choice) {
  return allRuns(manifest, options, choice).filter((run) => choice.evenStopped || !isPredictedToStop(run));
}

/**
 * The runs that planRuns leaves out.
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly {title: string, backend: string}[]}
 */
export function skippedRuns(manifest, options, choice) {
  if (choice.evenStopped) return [];
  return allRuns(manifest, options, choice)
    .filter(isPredictedToStop)
    .map(({ model, option }) => ({ title: model.title, backend: option.title }));
}

/** @param {PlannedRun} run */
function isPredictedToStop({ variant, option }) {
  return predictedSupport(variant, option.backend)?.status === 'stops';
}

/**
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly PlannedRun[]}
 */
function allRuns({ models }, options, choice) {
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
