/**
 * A worker's whole life with a question about a user's file: one request comes in, one answer goes out. The file is read here and goes
 * nowhere else: nothing in this worker sends anything but messages to the page.
 */

import { readOnnx } from './onnx_metadata.js';
import { refineFailure } from './own_model_errors.js';
import { noise } from './own_model_inputs.js';
import { asNumbers, requireTelling } from './own_model_proof.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';

/** @import { Failed, Inspected, InspectRequest, OwnMessage, OwnRequest, Referenced, ReferenceRequest } from './own_model_types.js' */
/** @import { Stage } from './run_types.js' */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));

scope.onmessage = async (/** @type {MessageEvent<OwnRequest>} */ { data: request }) => {
  post(request.kind === 'inspect' ? await inspect(request) : await computeReference(request));
};

/**
 * What the file says of itself, and its SHA-256 where the browser computes one.
 * @param {InspectRequest} request
 * @returns {Promise<Inspected | Failed>}
 */
async function inspect({ file }) {
  post({ kind: 'stage', stage: 'download' });
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const facts = readOnnx(bytes, file.name);
    const digest = crypto.subtle ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)) : null;
    const sha256 = digest && [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { kind: 'inspected', facts, sha256 };
  } catch (error) {
    return { kind: 'failed', stage: 'start', message: refineFailure(error, { file, isOpen: false, runtime: 'This page' }).message };
  }
}

/**
 * What the timed session's outputs are held to.
 * @param {ReferenceRequest} request
 * @returns {Promise<Referenced | Failed>}
 */
async function computeReference({ file, inputs, dimensions, onnxruntimeWeb }) {
  /** @type {Stage} */
  let stage = 'start';
  const enter = (/** @type {Stage} */ next) => {
    stage = next;
    post({ kind: 'stage', stage });
  };
  try {
    const feeds = noise(inputs, dimensions);
    const bytes = new Uint8Array(await file.arrayBuffer());
    enter('runtime');
    const runtime = await loadOnnxruntimeWeb(onnxruntimeWeb, { backend: 'wasm', threads: 1 }, () => post({ kind: 'stage', stage: 'runtime' }));
    enter('session');
    const session = await runtime.createSession(bytes, { backend: 'wasm', threads: 1, outputs: [], placement: false, unoptimised: true });
    enter('first_inference');
    const raw = await session.run(session.prepare(feeds));
    enter('verification');
    const outputs = asNumbers(raw);
    requireTelling(outputs);
    return { kind: 'reference', outputs };
  } catch (error) {
    const subject = { file, isOpen: Object.keys(dimensions).length > 0, runtime: `onnxruntime-web ${onnxruntimeWeb.version}` };
    return { kind: 'failed', stage, message: refineFailure(error, subject).message };
  }
}

/** @param {OwnMessage} message */
function post(message) {
  scope.postMessage(message);
}
