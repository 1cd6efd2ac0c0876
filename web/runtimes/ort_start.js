/** Having onnxruntime-web ready: its script, its WebAssembly, its threads, and what the backend needs besides. */

import { downloadWasm } from '../download.js';
import { ZooError, explain } from '../errors.js';
import { isOutOfMemory } from '../memory.js';
import { gpuDevice } from './gpu_device.js';
import { startModel } from './start_model.js';

/** @import { OnBytes } from '../fetch_whole.js' */
/** @import { Backend, DeviceType } from '../run_types.js' */
/** @import { Config } from '../types.js' */
/** @typedef {typeof import('onnxruntime-web')} Ort */
/** @typedef {import('onnxruntime-web').InferenceSession.ExecutionProviderConfig} Provider */

/**
 * What a runtime is started for. `profiling`: with the GPU's clock, which nothing that is timed asks for.
 * @typedef {{backend: Backend, deviceType?: DeviceType | null, threads: number, profiling?: boolean}} Purpose
 */

/**
 * The bundle depends on the backend: those with WebGPU lack some CPU kernels and have larger wasm files. The WebAssembly is downloaded
 * here and not by the runtime, so that people see its bytes come, and what gets stuck or breaks off is tried again. The first session
 * starts everything; its own part is below a millisecond.
 * @param {Config['onnxruntime_web']} onnxruntimeWeb
 * @param {Purpose} purpose
 * @param {OnBytes} onBytes
 * @returns {Promise<{ort: Ort, provider: Provider, device: GPUDevice | null}>} the device of WebGPU
 * @throws {ZooError} when something cannot be had, or does not start
 */
export async function startOrt({ version, base }, { backend, deviceType = null, threads, profiling = false }, onBytes) {
  const { script, module } = bundleFor(backend);
  const url = (/** @type {string} */ file) => new URL(base + file, self.location.href).href;
  const ort = await importScript(url(script));
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  const device = backend === 'webgpu' ? await gpuDevice({ clock: profiling }) : null;
  const provider = device ? { name: 'webgpu', device } : await providerFor(backend, deviceType);
  const wasm = module ? await downloadWasm(url(`${module}.wasm`), onBytes) : null;
  if (wasm) {
    ort.env.wasm.wasmPaths = { mjs: url(`${module}.mjs`) };
    ort.env.wasm.wasmBinary = wasm.buffer;
  }
  try {
    const session = await ort.InferenceSession.create(startModel(), { executionProviders: [provider], logSeverityLevel: 3 });
    await session.release();
  } catch (error) {
    throw isOutOfMemory(error) ? error : doesNotStart(version, backend, error);
  }
  if (wasm) {
    ort.env.wasm.wasmBinary = undefined;
    // The runtime's own script keeps it too, without a need: taking the bytes out of the buffer is what frees them.
    structuredClone(wasm.buffer, { transfer: [wasm.buffer] });
  }
  return { ort, provider, device };
}

/**
 * File names in onnxruntime-web's dist folder. JSPI (WebAssembly.Suspending) spares the asyncify build's 10 MB of extra code.
 * @param {Backend} backend
 * @returns {{script: string, module: string | null}}
 */
function bundleFor(backend) {
  if (backend === 'wasm') return { script: 'ort.wasm.min.mjs', module: 'ort-wasm-simd-threaded' };
  if (backend === 'webgl') return { script: 'ort.webgl.min.mjs', module: null };
  if ('Suspending' in WebAssembly) return { script: 'ort.jspi.min.mjs', module: 'ort-wasm-simd-threaded.jspi' };
  return { script: 'ort.webgpu.min.mjs', module: 'ort-wasm-simd-threaded.asyncify' };
}

/**
 * @param {string} url
 * @returns {Promise<Ort>}
 */
async function importScript(url) {
  try {
    return await import(url);
  } catch (error) {
    throw new ZooError('The script of onnxruntime-web does not load', {
      got: explain(error),
      expected: `a JavaScript module at ${new URL(url).pathname}`,
      next: 'check the connection and that the server still runs, then start again',
    });
  }
}

/**
 * @param {Backend} backend
 * @param {DeviceType | null} deviceType
 * @returns {Promise<Provider>}
 */
async function providerFor(backend, deviceType) {
  if (backend === 'webnn') return webnnProvider(deviceType ?? 'cpu');
  if (backend === 'webgl') requireWebgl();
  return backend;
}

/**
 * WebNN (webmachinelearning.github.io/webnn), which TypeScript's DOM library lacks. A browser may have it and no device below it, which
 * only asking for a context tells.
 * @param {DeviceType} deviceType
 * @returns {Promise<Provider>}
 */
async function webnnProvider(deviceType) {
  const { ml } = /** @type {{ml?: {createContext: (options: {deviceType: DeviceType}) => Promise<any>}}} */ (/** @type {unknown} */ (navigator));
  try {
    if (!ml) throw new Error('no navigator.ml in a worker');
    return { name: 'webnn', deviceType, context: await ml.createContext({ deviceType }) };
  } catch (error) {
    throw new ZooError(`WebNN gives no context on this device's ${deviceType.toUpperCase()}`, {
      got: explain(error),
      expected: 'a context to compute in',
      next: 'choose another backend, or a browser whose WebNN has this device',
    });
  }
}

/** What the runtime itself says without WebGL is only that it has no backend. */
function requireWebgl() {
  const gl = 'OffscreenCanvas' in self ? new OffscreenCanvas(1, 1).getContext('webgl2') : null;
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  if (gl) return;
  throw new ZooError('WebGL cannot be used in a worker of this browser', {
    got: 'no WebGL 2 context of an OffscreenCanvas',
    expected: 'one',
    next: 'update the browser, or choose WebAssembly',
  });
}

/**
 * @param {string} version
 * @param {Backend} backend
 * @param {unknown} error
 */
function doesNotStart(version, backend, error) {
  return new ZooError(`onnxruntime-web ${version} does not start on ${backend}`, {
    got: explain(error),
    expected: 'a session of one operator',
    next: 'reload the page; if that does not help, choose another backend, or update the browser',
  });
}
