/**
 * The references beside the one that a run is timed on, such as noise, or an image on which nothing is found. They cost downloads and
 * inferences, so only a run that is for proof is held to them.
 */

import { describeMismatch, verifier } from './compare.js';
import { download } from './download.js';
import { explain } from './errors.js';
import { readSafetensors, tensorOf } from './inputs.js';

/** @import { ReferenceEntry } from './manifest_types.js' */
/** @import { Job, Session, Tensor, Tensors } from './types.js' */
/** @import { Log } from './run_log.js' */
/** @typedef {{proven: string, priors: Tensor | null, runtime: string}} Known the reference that is proven already, and what runs, for people */

const REPORT_EVERY_MS = 100;

/**
 * Hold one inference on each further reference to that reference.
 * @template Feeds
 * @param {Job} job
 * @param {Session<Feeds>} session
 * @param {Known} known
 * @param {Log} log
 * @throws {Error} for the first one that cannot be had, or that is wrong or cannot be run: then it is named, and its verification in the log
 */
export async function proveFurther(job, session, known, log) {
  for (const reference of job.model.references) {
    if (reference.name !== known.proven) await proveOn(reference, job, session, known, log);
  }
}

/**
 * @template Feeds
 * @param {ReferenceEntry} reference
 * @param {Job} job
 * @param {Session<Feeds>} session
 * @param {Known} known
 * @param {Log} log
 */
async function proveOn(reference, { model, variant }, session, { priors, runtime }, log) {
  const total = reference.bytes;
  log.enter('download', total);
  const { bytes } = await download(reference, (done) => {
    log.tellSometimes(REPORT_EVERY_MS, () => ({ stage: 'download', done, total, samples: [] }));
  });
  const tensors = readSafetensors(bytes, reference.path);
  log.enter('verification');
  const verify = verifier(model, variant, tensors, priors, { reference: reference.name, runtime });
  const input = tensorOf(tensors, model.input.name, reference.path);
  /** @type {Tensors} */
  let outputs;
  try {
    outputs = session.read(await session.run(session.prepare({ [model.input.name]: input })));
  } catch (error) {
    log.record({ verification: verify({}) }); // what gives no outputs did not give the right ones
    throw new Error(`On the reference ${reference.name}: ${explain(error)}`, { cause: error });
  }
  const verification = verify(outputs);
  if (verification.passed) return;
  log.record({ verification });
  throw new Error(`On the reference ${reference.name}: ${describeMismatch(verification)}`);
}
