/** A network of the zoo as the thing that is measured: its files, its proof, and its way from a picture to an answer. */

import { describeMismatch, verifier } from './compare.js';
import { download } from './download.js';
import { canEndToEnd, endToEnd } from './end_to_end.js';
import { proveFurther } from './further_references.js';
import { readSafetensors, tensorOf } from './inputs.js';
import { refineMemory } from './memory.js';
import { PHOTOGRAPH } from './photograph.js';

/** @import { FileEntry } from './manifest_types.js' */
/** @import { Job, Tensor, Tensors } from './types.js' */
/** @import { Subject } from './benchmark.js' */
/** @import { Log } from './run_log.js' */

const REFERENCE = 'photograph';
const REPORT_EVERY_MS = 100;

/**
 * @param {Job} job
 * @returns {Subject}
 */
export function zooSubject(job) {
  const { model, variant, backend } = job;
  /** @type {Proof | undefined} */
  let proof;
  const proven = () => /** @type {Proof} */ (proof);
  const placeOf = (/** @type {string} */ runtime, /** @type {number} */ threads) =>
    `${runtime} ${backend === 'wasm' ? `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : backend}`;
  return {
    async fetch(log) {
      const fetched = await fetchFiles(job, log);
      proof = fetched.proof;
      return { model: fetched.model, inputs: { [model.input.name]: tensorOf(proof.reference, model.input.name, REFERENCE) } };
    },
    outputs: model.outputs,
    fetchModel: async () => (await download(variant, () => {})).bytes,
    verifier(session, runtime) {
      const labels = { reference: REFERENCE, runtime: placeOf(runtime, session.threads) };
      const verify = verifier(model, variant, proven().reference, proven().priors, labels);
      return (outputs) => verify(session.read(outputs));
    },
    mismatch: (verification) => new Error(describeMismatch(verification)),
    proveFurther: (session, runtime, log) =>
      proveFurther(job, session, { proven: REFERENCE, priors: proven().priors, runtime: placeOf(runtime, session.threads) }, log),
    endToEnd: canEndToEnd(job) ? async (session, now) => endToEnd(job, session, now, { ...proven(), photograph: proven().photograph() }) : null,
    refine: (error) => refineMemory(error, `for ${model.title}`),
  };
}

/**
 * The photograph's reference file, a detector's priors, and the photograph's own file, which throws where it could not be had.
 * @typedef {{reference: Tensors, priors: Tensor | null, photograph: () => Uint8Array}} Proof
 */

/**
 * The model, its reference tensors, for a detector its priors, and the photograph if its pixels are wanted: all that the network is
 * needed for comes before anything is timed. Without the photograph there is a timing all the same.
 * @param {Job} job
 * @param {Log} log
 * @returns {Promise<{model: Uint8Array, proof: Proof}>}
 */
async function fetchFiles(job, log) {
  const { model, variant } = job;
  const reference = model.references.find(({ name }) => name === REFERENCE);
  if (!reference) throw new Error(`the manifest has no ${REFERENCE} reference for ${model.id}`);
  const priors = model.postprocessing.kind === 'ssd' ? model.postprocessing.priors : null;
  const photograph = job.endToEnd > 0 && canEndToEnd(job) ? PHOTOGRAPH : null;
  const total = variant.bytes + reference.bytes + (priors?.bytes ?? 0) + (photograph?.bytes ?? 0);
  log.enter('download', total);

  let before = 0;
  const fetchOne = async (/** @type {FileEntry} */ file) => {
    const fetched = await download(file, (received, _, waiting) => {
      const every = waiting === null ? REPORT_EVERY_MS : 0;
      log.tellSometimes(every, () => ({ stage: 'download', done: before + received, total, samples: [], waiting }));
    });
    before += file.bytes;
    return fetched;
  };
  const fetched = await fetchOne(variant);
  log.record({ download_ms: fetched.ms, download_cached: fetched.cached, hashed: fetched.hashed });
  const tensors = readSafetensors((await fetchOne(reference)).bytes, reference.path);
  const boxes = priors && tensorOf(readSafetensors((await fetchOne(priors)).bytes, priors.path), 'priors', priors.path);
  const picture = photograph && (await fetchOne(photograph).then(({ bytes }) => () => bytes, (error) => () => { throw error; }));
  const notAsked = () => { throw new Error('the photograph was not asked for'); };
  return { model: fetched.bytes, proof: { reference: tensors, priors: boxes, photograph: picture ?? notAsked } };
}
