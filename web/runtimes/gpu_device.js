/** WebGPU's device for onnxruntime-web, which takes no adapter or power preference of ours, only a finished device. */

import { ZooError } from '../errors.js';

/** Limits that kernels of onnxruntime-web 1.30 run into at their least values. */
const LIMITS = /** @type {const} */ ([
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
]);
/** Half-precision numbers, and faster reductions. */
const FEATURES = /** @type {const} */ (['shader-f16', 'subgroups']);
/** The GPU's own clock around each kernel: for profiles alone. */
const CLOCK = /** @type {const} */ ('timestamp-query');

/** A run that fails when the device is lost fails at about the same time. */
const LOSS_PATIENCE_MS = 1000;

/**
 * A device with all that the adapter allows. Losing it is thrown outside of any promise, after a while in which what runs may have failed
 * with it: so the page hears of it even if a run never ends.
 * @param {{clock: boolean}} options
 * @returns {Promise<GPUDevice>}
 */
export async function gpuDevice({ clock }) {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new ZooError('WebGPU cannot be used in a worker of this browser', {
      got: navigator.gpu ? 'no adapter' : 'no navigator.gpu',
      expected: 'a WebGPU adapter',
      next: 'update the browser, or choose WebAssembly',
    });
  }
  const device = await adapter.requestDevice({
    requiredFeatures: [...FEATURES, ...(clock ? [CLOCK] : [])].filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
  });
  void device.lost.then((lost) => {
    if (lost.reason !== 'destroyed') setTimeout(() => { throw gpuLost(lost.message); }, 2 * LOSS_PATIENCE_MS);
  });
  return device;
}

/**
 * What to say of something that failed: the loss of the GPU, if that is what is behind it. The runtime's own words are of what it tried.
 * @param {GPUDevice} device
 * @param {unknown} error
 * @returns {Promise<unknown>}
 */
export function refineLoss(device, error) {
  const lost = device.lost.then(({ message }) => gpuLost(message));
  const stays = new Promise((resolve) => setTimeout(() => resolve(error), LOSS_PATIENCE_MS));
  return Promise.race([lost, stays]);
}

/** @param {string} message */
function gpuLost(message) {
  return new ZooError('The GPU was lost while it computed', {
    got: message || 'no reason from the browser',
    expected: 'a GPU that stays',
    next: 'close what else uses the GPU, and start again; a network that loses it every time is too much for it: choose a smaller one, or WebAssembly',
  });
}
