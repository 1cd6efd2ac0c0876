/** onnxruntime-web behind the page's runtime interface. Nothing but this module and those that it starts with (ort_*.js) knows it. */

import { readOutputs } from '../inputs.js';
import { refineMemory } from '../memory.js';
import { refineLoss } from './gpu_device.js';
import { RuntimeLog } from './ort_log.js';
import { withPlacement } from './ort_placement.js';
import { startOrt } from './ort_start.js';

/** @import { OnBytes } from '../fetch_whole.js' */
/** @import { Config, RawTensors, Runtime, Session, SessionOptions } from '../types.js' */
/** @import { Ort, Provider, Purpose } from './ort_start.js' */
/** @typedef {import('onnxruntime-web').InferenceSession.FeedsType} Feeds */
/** @typedef {{ort: Ort, provider: Provider, device: GPUDevice | null, log: RuntimeLog}} Started */

/** onnxruntime's log severities. */
const [VERBOSE, ERRORS] = /** @type {const} */ ([0, 3]);

/**
 * The runtime for one backend and one number of threads, downloaded and started.
 * @param {Config['onnxruntime_web']} onnxruntimeWeb
 * @param {Purpose} purpose
 * @param {OnBytes} [onBytes] told how its WebAssembly comes
 * @returns {Promise<Runtime<Feeds>>}
 */
export async function loadOnnxruntimeWeb(onnxruntimeWeb, purpose, onBytes = () => {}) {
  const log = new RuntimeLog();
  const { ort, provider, device } = await log.during(() => startOrt(onnxruntimeWeb, purpose, onBytes)).catch((error) => {
    throw refineMemory(error, 'for onnxruntime-web');
  });
  const started = { ort, provider, device, log };
  const { backend } = purpose;
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.web ?? onnxruntimeWeb.version,
    now: () => performance.now(),
    createSession: (bytes, options) => createSession(started, bytes, options),
    placementOf: backend === 'webgl' ? null : (bytes, options) => placementOf(started, bytes, options), // WebGL refuses what it does not know
  };
}

/**
 * @param {Started} started
 * @param {Uint8Array} bytes
 * @param {SessionOptions} options
 */
async function placementOf(started, bytes, options) {
  const session = await createSession(started, bytes, { ...options, placement: true });
  await session.release();
  return session.placement;
}

/**
 * A session with one execution provider: with two, nodes that the first lacks would run on the second without a word.
 * @param {Started} started
 * @param {Uint8Array} bytes
 * @param {{placement: boolean, unoptimised?: boolean}} options
 * @returns {Promise<Session<Feeds>>}
 */
async function createSession({ ort, provider, device, log }, bytes, { placement: asked, unoptimised }) {
  const create = (/** @type {0 | 3} */ logSeverityLevel) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: unoptimised ? 'disabled' : 'all',
      logSeverityLevel,
    });
  const made = asked ? withPlacement(log, () => create(VERBOSE)) : create(ERRORS).then((session) => ({ session, placement: null }));
  const { session, placement } = await made.catch(async (error) => {
    throw refineMemory(device ? await refineLoss(device, error) : error, `for a file of ${Math.ceil(bytes.length / 1e6)} MB`);
  });
  const run = (/** @type {Feeds} */ feeds) => /** @type {Promise<RawTensors>} */ (/** @type {unknown} */ (session.run(feeds)));
  return {
    // Without shared memory onnxruntime-web sets this back to 1 while it starts.
    threads: /** @type {number} */ (ort.env.wasm.numThreads),
    prepare: (inputs) => toFeeds(ort, inputs),
    run: device ? (feeds) => run(feeds).catch(async (error) => { throw await refineLoss(device, error); }) : run,
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
export function toFeeds(ort, inputs) {
  const typed = (/** @type {string | undefined} */ type) => /** @type {'float32'} */ (type ?? 'float32');
  return Object.fromEntries(Object.entries(inputs).map(([name, { data, dims, type }]) => [name, new ort.Tensor(typed(type), data, dims)]));
}
