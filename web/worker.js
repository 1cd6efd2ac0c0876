/** A worker's whole life: one job comes in, progress goes out, then one measurement. The page terminates it afterwards. */

import { measure } from './benchmark.js';
import { loadFake } from './runtimes/fake.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';

/** @import { Job, Runtime, WorkerMessage } from './types.js' */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));

scope.onmessage = async (/** @type {MessageEvent<Job>} */ { data: job }) => {
  const measured = await measure(job, () => loadRuntime(job), (progress, soFar) => post({ kind: 'progress', progress, measured: soFar }));
  post({ kind: 'finished', measured });
};

/**
 * @param {Job} job
 * @returns {Promise<Runtime<any>>} any: what a runtime's feeds are is its own business
 */
async function loadRuntime({ runtime, onnxruntimeWeb, backend, fake }) {
  return runtime === 'fake' ? loadFake(fake) : loadOnnxruntimeWeb(onnxruntimeWeb, backend);
}

/** @param {WorkerMessage} message */
function post(message) {
  scope.postMessage(message);
}
