/** onnxruntime-web with its own profiler switched on, which slows it down: never for anything that is timed. */

import { ZooError } from '../errors.js';
import { readOutputs } from '../inputs.js';
import { refineMemory } from '../memory.js';
import { toFeeds } from './ort.js';
import { RuntimeLog } from './ort_log.js';
import { startOrt } from './ort_start.js';

/** @import { OnBytes } from '../fetch_whole.js' */
/** @import { Config, RawTensors, Session } from '../types.js' */
/** @import { Feeds } from './ort.js' */
/** @import { Purpose } from './ort_start.js' */

/** The profiler prints this line first and this line last. */
const [FIRST, LAST] = ['[', ']'];
/** Printing takes well under a second for a network of 1,000 nodes. */
const PATIENCE_MS = 30_000;

/**
 * A session whose events are printed, and caught here, when its profile is ended: once, before it is released.
 * @typedef {Session<Feeds> & {endProfile: () => Promise<readonly string[]>}} ProfiledSession
 */

/**
 * @param {Config['onnxruntime_web']} onnxruntimeWeb
 * @param {Purpose} purpose
 * @param {OnBytes} onBytes
 * @returns {Promise<{version: string, createSession: (bytes: Uint8Array) => Promise<ProfiledSession>}>}
 * @throws {ZooError} where the backend gives no profile
 */
export async function loadProfiler(onnxruntimeWeb, purpose, onBytes) {
  const log = new RuntimeLog();
  const { ort, provider, device } = await log.during(() => startOrt(onnxruntimeWeb, { ...purpose, profiling: true }, onBytes));
  if (device) requireClock(device);
  return {
    version: ort.env.versions.web ?? onnxruntimeWeb.version,
    async createSession(bytes) {
      const options = /** @type {const} */ ({ executionProviders: [provider], graphOptimizationLevel: 'all', logSeverityLevel: 3, enableProfiling: true });
      const session = await ort.InferenceSession.create(bytes, options).catch((error) => {
        throw refineMemory(error, `for a file of ${Math.ceil(bytes.length / 1e6)} MB`);
      });
      return {
        threads: /** @type {number} */ (ort.env.wasm.numThreads),
        prepare: (inputs) => toFeeds(ort, inputs),
        run: (feeds) => /** @type {Promise<RawTensors>} */ (/** @type {unknown} */ (session.run(feeds))),
        read: readOutputs,
        release: () => session.release(),
        placement: null,
        endProfile: () => caught(log, () => session.endProfiling()),
      };
    },
  };
}

/** @param {GPUDevice} device */
function requireClock(device) {
  if (device.features.has('timestamp-query')) return;
  throw new ZooError('WebGPU gives no profile on this device', {
    got: 'a GPU without the feature timestamp-query',
    expected: "the GPU's own clock, without which the time of its kernels is not known",
    next: 'profile WebAssembly, or try another browser',
  });
}

/**
 * What the runtime prints of the profile. On WebGPU the end comes some time after the call.
 * @param {RuntimeLog} log
 * @param {() => void} end
 * @returns {Promise<readonly string[]>}
 */
function caught(log, end) {
  /** @type {string[]} */
  const lines = [];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(nothingPrinted(lines.length)), PATIENCE_MS);
    log.reader = (line) => {
      const isOurs = lines.length > 0 || line === FIRST;
      if (isOurs) lines.push(line);
      if (line === LAST) {
        clearTimeout(timer);
        log.reader = null;
        resolve(lines);
      }
      return isOurs;
    };
    end();
  });
}

/** @param {number} lines */
function nothingPrinted(lines) {
  return new ZooError('onnxruntime-web gave no profile', {
    got: `${lines} lines in ${PATIENCE_MS / 1000} s`,
    expected: 'its events, up to their end',
    next: 'reload the page and profile again',
  });
}
