/** A network of the zoo as the thing that is measured: its files, its proof, and its way from a picture to an answer. */

import { describeMismatch, verifier } from './compare.js';
import { download } from './download.js';
import { canEndToEnd, endToEnd } from './end_to_end.js';
import { proveFurther } from './further_references.js';
import { tensorOf } from './inputs.js';
import { refineMemory } from './memory.js';
import { PHOTOGRAPH } from './photograph.js';
import { ProofFiles, REFERENCE } from './proof_files.js';

/** @import { Job, Tensor, Tensors } from './types.js' */
/** @import { Subject } from './benchmark.js' */
/** @import { Tell } from './proof_files.js' */
/** @import { Log } from './run_log.js' */

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
  const photograph = job.endToEnd > 0 && canEndToEnd(job) ? PHOTOGRAPH : null;
  const files = new ProofFiles(model, variant, photograph);
  log.enter('download', files.total);
  const tell = /** @type {Tell} */ ((done, total, waiting) => {
    const every = waiting === null ? REPORT_EVERY_MS : 0;
    log.tellSometimes(every, () => ({ stage: 'download', done, total, samples: [], waiting }));
  });
  const fetched = await files.fetchModel(tell);
  log.record({ download_ms: fetched.ms, download_cached: fetched.cached, hashed: fetched.hashed });
  const { reference, priors } = await files.fetchProof(tell);
  const picture = photograph && (await files.fetchOne(photograph, tell).then(({ bytes }) => () => bytes, (error) => () => { throw error; }));
  const notAsked = () => { throw new Error('the photograph was not asked for'); };
  return { model: fetched.bytes, proof: { reference, priors, photograph: picture ?? notAsked } };
}
