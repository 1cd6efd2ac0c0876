/** onnxruntime-web behind the page's runtime interface. The only module that loads it. */

import { readOutputs } from '../inputs.js';
import { withPlacement } from './ort_placement.js';

/** @import { Backend, Config, RawTensors, Runtime, Session } from '../types.js' */
/** @typedef {typeof import('onnxruntime-web')} Ort */
/** @typedef {import('onnxruntime-web').InferenceSession.FeedsType} Feeds */

/** onnxruntime's log severities. */
const [VERBOSE, ERRORS] = /** @type {const} */ ([0, 3]);

/**
 * The runtime for one backend. The bundle depends on it: the WebGPU builds lack some CPU kernels and have larger wasm files.
 * @param {Config['onnxruntime_web']} onnxruntimeWeb
 * @param {Backend} backend
 * @returns {Promise<Runtime<Feeds>>}
 */
export async function loadOnnxruntimeWeb({ version, base }, backend) {
  const bundle = bundleFor(backend);
  const url = (/** @type {string} */ file) => new URL(base + file, self.location.href).href;
  /** @type {Ort} */
  const ort = await import(url(bundle.module));
  ort.env.wasm.wasmPaths = { mjs: url(`${bundle.wasm}.mjs`), wasm: url(`${bundle.wasm}.wasm`) };
  ort.env.logLevel = 'error';
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.web ?? version,
    now: () => performance.now(),
    createSession: (bytes, options) => createSession(ort, bytes, options),
  };
}

/**
 * File names in onnxruntime-web's dist folder. JSPI (WebAssembly.Suspending) spares the asyncify build's 10 MB of extra code.
 * @param {Backend} backend
 */
function bundleFor(backend) {
  if (backend === 'wasm') return { module: 'ort.wasm.min.mjs', wasm: 'ort-wasm-simd-threaded' };
  if ('Suspending' in WebAssembly) return { module: 'ort.jspi.min.mjs', wasm: 'ort-wasm-simd-threaded.jspi' };
  return { module: 'ort.webgpu.min.mjs', wasm: 'ort-wasm-simd-threaded.asyncify' };
}

/**
 * A session with one execution provider: with two, nodes that the first lacks would run on the second without a word.
 * @param {Ort} ort
 * @param {Uint8Array} bytes
 * @param {{backend: Backend, threads: number, placement: boolean, unoptimised?: boolean}} options
 * @returns {Promise<Session<Feeds>>}
 */
async function createSession(ort, bytes, { backend, threads, placement: asked, unoptimised }) {
  ort.env.wasm.numThreads = threads;
  const provider = backend === 'webgpu' ? { name: 'webgpu', device: await gpuDevice() } : 'wasm';
  const create = (/** @type {0 | 3} */ logSeverityLevel) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: unoptimised ? 'disabled' : 'all',
      logSeverityLevel,
    });
  const { session, placement } = asked ? await withPlacement(() => create(VERBOSE)) : { session: await create(ERRORS), placement: null };
  return {
    // Without shared memory onnxruntime-web sets this back to 1 while it starts.
    threads: ort.env.wasm.numThreads,
    prepare: (inputs) => toFeeds(ort, inputs),
    run: (feeds) => /** @type {Promise<RawTensors>} */ (/** @type {unknown} */ (session.run(feeds))),
    read: readOutputs,
    release: () => session.release(),
    placement,
  };
}

/**
 * @param {Ort} ort
 * @param {RawTensors} inputs of types that onnxruntime-web knows
 * @returns {Feeds}
 */
function toFeeds(ort, inputs) {
  const typed = (/** @type {string | undefined} */ type) => /** @type {'float32'} */ (type ?? 'float32');
  return Object.fromEntries(Object.entries(inputs).map(([name, { data, dims, type }]) => [name, new ort.Tensor(typed(type), data, dims)]));
}

/**
 * A device with all that the adapter allows: onnxruntime-web's native WebGPU takes no adapter or power preference of ours,
 * only a finished device. Losing it is thrown outside of any promise, so that the page hears of it even if a run never ends.
 * @returns {Promise<GPUDevice>}
 */
async function gpuDevice() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('this browser gives no WebGPU adapter to a worker');
  const { limits, features } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: /** @type {const} */ (['shader-f16', 'subgroups']).filter((feature) => features.has(feature)),
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
    },
  });
  void device.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') setTimeout(() => { throw new Error(`the GPU device was lost: ${message}`); });
  });
  return device;
}
