/**
 * A worker's whole life with a file of the user's: one request comes in, one answer goes out. The file is read here and goes nowhere
 * else: nothing in this worker sends anything but messages to the page.
 */

import { firstInference, takeSamples, warmUp } from './benchmark.js';
import { readOnnx } from './onnx_metadata.js';
import { refineFailure } from './own_model_errors.js';
import { noise } from './own_model_inputs.js';
import { asNumbers, ownMismatch, ownVerifier, requireTelling } from './own_model_proof.js';
import { Log } from './run_log.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';

/** @import { Failed, Inspected, InspectRequest, OwnAnswer, OwnRequest, Referenced, ReferenceRequest, TimeRequest } from './own_model_types.js' */
/** @import { Measurement, RawTensors, Stage } from './types.js' */

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));

scope.onmessage = async (/** @type {MessageEvent<OwnRequest>} */ { data: request }) => {
  if (request.kind === 'inspect') post(await inspect(request));
  else if (request.kind === 'reference') post(await computeReference(request));
  else post({ kind: 'finished', measured: await time(request) });
};

/**
 * What the file says of itself, and its SHA-256 where the browser computes one.
 * @param {InspectRequest} request
 * @returns {Promise<Inspected | Failed>}
 */
async function inspect({ file }) {
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
async function computeReference(request) {
  /** @type {Stage} */
  let stage = 'start';
  try {
    const inputs = noise(request.inputs, request.dimensions);
    const bytes = new Uint8Array(await request.file.arrayBuffer());
    const runtime = await loadOnnxruntimeWeb(request.onnxruntimeWeb, 'wasm');
    stage = 'session';
    const session = await runtime.createSession(bytes, { backend: 'wasm', threads: 1, outputs: [], placement: false, unoptimised: true });
    stage = 'first_inference';
    const raw = await session.run(session.prepare(inputs));
    stage = 'verification';
    const outputs = asNumbers(raw);
    requireTelling(outputs);
    return { kind: 'reference', outputs };
  } catch (error) {
    return { kind: 'failed', stage, message: refineFailure(error, subjectOf(request)).message };
  }
}

/**
 * The same manners as for the zoo's networks. Whatever goes wrong is in the measurement's `error`.
 * @param {TimeRequest} request
 * @returns {Promise<Measurement>}
 */
async function time(request) {
  const { file, backend, threads, onnxruntimeWeb, reference, random, timeBudgetS } = request;
  const log = new Log(request, (progress, measured) => post({ kind: 'progress', progress, measured }));
  const prove = (/** @type {'verification' | 'final_check'} */ stage, /** @type {RawTensors} */ outputs) => {
    const place = backend === 'wasm' ? `WebAssembly, ${log.measured.threads} ${log.measured.threads === 1 ? 'thread' : 'threads'}` : 'WebGPU';
    const verification = ownVerifier(reference, place)(asNumbers(outputs));
    log.record({ [stage]: verification });
    if (!verification.passed) throw ownMismatch(verification, random);
  };
  try {
    const inputs = noise(request.inputs, request.dimensions);
    const bytes = new Uint8Array(await file.arrayBuffer());
    log.enter('session');
    const runtime = await loadOnnxruntimeWeb(onnxruntimeWeb, backend);
    const begin = runtime.now();
    const session = await runtime.createSession(bytes, { backend, threads, outputs: [], placement: false });
    log.record({ session_ms: runtime.now() - begin, runtime_version: runtime.version, threads: session.threads });

    const feeds = session.prepare(inputs);
    const clock = { now: runtime.now, deadline: runtime.now() + timeBudgetS * 1000 };
    prove('verification', await firstInference(session, feeds, clock, log));
    await warmUp(request, session, feeds, clock, log);
    prove('final_check', await takeSamples(request, session, feeds, clock, log));
    await session.release();
    return log.measured;
  } catch (error) {
    return log.failed(refineFailure(error, subjectOf(request)));
  }
}

/** @param {ReferenceRequest | TimeRequest} request */
function subjectOf({ file, dimensions, onnxruntimeWeb }) {
  return { file, isOpen: Object.keys(dimensions).length > 0, runtime: `onnxruntime-web ${onnxruntimeWeb.version}` };
}

/** @param {OwnAnswer} answer */
function post(answer) {
  scope.postMessage(answer);
}
