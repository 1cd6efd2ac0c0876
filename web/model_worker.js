/**
 * The model page's worker: it loads one network, proves it on the photograph, then looks at the pictures that the page sends it. They
 * come as pixels and go nowhere else: nothing here sends anything but messages to the page.
 */

import { answer } from './answers.js';
import { describeMismatch, verifier } from './compare.js';
import { explain } from './errors.js';
import { tensorOf } from './inputs.js';
import { preprocess } from './preprocess.js';
import { ProofFiles, REFERENCE } from './proof_files.js';
import { loadOnnxruntimeWeb } from './runtimes/ort.js';

/** @import { OnBytes } from './fetch_whole.js' */
/** @import { ModelEntry } from './manifest_types.js' */
/** @import { LookReply, LookRequest, LookStage, OpenRequest } from './model_worker_types.js' */
/** @import { Pixels } from './preprocess.js' */
/** @import { Session, Tensor } from './types.js' */
/**
 * A network that was right on the photograph. `prove` tries it there again, and throws when it is not any more.
 * @typedef {{model: ModelEntry, session: Session<any>, priors: Tensor | null, prove: () => Promise<unknown>}} Opened any: what a
 *   runtime's feeds are is its own business
 */

const TELL_EVERY_MS = 100;

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
/** @type {Opened | null} */
let opened = null;

scope.onmessage = async (/** @type {MessageEvent<LookRequest>} */ { data: request }) => {
  try {
    if (request.kind === 'open') opened = await open(request);
    else await look(/** @type {Opened} */ (opened), request.pixels);
  } catch (error) {
    post({ kind: 'failed', message: explain(error) });
  }
};
enter('start');

/**
 * @param {OpenRequest} request
 * @returns {Promise<Opened>}
 * @throws {Error} when something cannot be had, or the network's outputs here are not PyTorch's
 */
async function open({ model, variant, backend, deviceType, threads, onnxruntimeWeb }) {
  const [files, tell] = [new ProofFiles(model, variant), progress('download')];
  const { bytes } = await files.fetchModel(tell);
  const { reference, priors } = await files.fetchProof(tell);
  enter('runtime');
  const runtime = await loadOnnxruntimeWeb(onnxruntimeWeb, { backend, deviceType, threads }, progress('runtime'));
  enter('session');
  const session = await runtime.createSession(bytes, { backend, deviceType, threads, outputs: model.outputs, placement: false });

  const place = `${runtime.name} ${runtime.version} ${backend}`;
  const input = tensorOf(reference, model.input.name, REFERENCE);
  const verify = verifier(model, variant, reference, priors, { reference: REFERENCE, runtime: place });
  const prove = async () => {
    enter('proof');
    const outputs = session.read(await session.run(session.prepare({ [model.input.name]: input })));
    const verification = verify(outputs);
    if (!verification.passed) throw new Error(describeMismatch(verification).replace('A timing of wrong outputs is no timing.', 'So nothing of it is shown.'));
    return { outputs, verification };
  };
  const { outputs, verification } = await prove();
  post({ kind: 'opened', runtime: place, verification, answer: answer(outputs, model, priors) });
  return { model, session, priors, prove };
}

/**
 * From a picture's pixels to what is in it, as end_to_end.js does it. Nobody knows the right outputs for a person's picture, so the
 * photograph is asked again afterwards: some backends were right at first and wrong later.
 * @param {Opened} opened
 * @param {Pixels} pixels
 */
async function look({ model, session, priors, prove }, pixels) {
  enter('look');
  const begin = performance.now();
  const input = preprocess(pixels, model.input);
  const prepared = performance.now();
  const raw = await session.run(session.prepare({ [model.input.name]: input }));
  const ran = performance.now();
  const said = answer(session.read(raw), model, priors);
  const times = { preprocess_ms: prepared - begin, inference_ms: ran - prepared, postprocess_ms: performance.now() - ran };
  await prove();
  post({ kind: 'looked', answer: said, times });
}

/** @param {LookStage} stage */
function enter(stage) {
  post({ kind: 'progress', stage, done: 0, total: null, waiting: null });
}

/**
 * Tells of bytes, not too often; why none come, at once.
 * @param {LookStage} stage
 * @returns {OnBytes}
 */
function progress(stage) {
  let toldAt = -Infinity;
  return (done, total, waiting) => {
    if (performance.now() - toldAt < TELL_EVERY_MS && done !== total && waiting === null) return;
    toldAt = performance.now();
    post({ kind: 'progress', stage, done, total, waiting });
  };
}

/** @param {LookReply} reply */
function post(reply) {
  scope.postMessage(reply);
}
