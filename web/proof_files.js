/** A network's file, and the files that prove it: its reference on the photograph and, for an SSD, its priors. One after another. */

import { download } from './download.js';
import { readSafetensors, tensorOf } from './inputs.js';

/** @import { FileEntry, ModelEntry } from './manifest_types.js' */
/** @import { Tensor, Tensors } from './types.js' */
/** @typedef {(done: number, total: number, waiting: string | null) => void} Tell told of all files together */

/** The name of the reference that everything timed or shown is held to. */
export const REFERENCE = 'photograph';

/** What is fetched, how many bytes that is, and how far it is. */
export class ProofFiles {
  /**
   * @param {ModelEntry} model
   * @param {FileEntry} variant
   * @param {FileEntry | null} further a file that comes last, by `fetchOne`
   * @throws {Error} where the manifest lacks the reference
   */
  constructor(model, variant, further = null) {
    const reference = model.references.find(({ name }) => name === REFERENCE);
    if (!reference) throw new Error(`the manifest has no ${REFERENCE} reference for ${model.id}`);
    this.variant = variant;
    this.reference = reference;
    this.priors = model.postprocessing.kind === 'ssd' ? model.postprocessing.priors : null;
    this.total = [variant, reference, this.priors, further].reduce((sum, file) => sum + (file?.bytes ?? 0), 0);
    this.before = 0;
  }

  /**
   * The network itself.
   * @param {Tell} tell
   */
  fetchModel(tell) {
    return this.fetchOne(this.variant, tell);
  }

  /**
   * What proves it.
   * @param {Tell} tell
   * @returns {Promise<{reference: Tensors, priors: Tensor | null}>}
   */
  async fetchProof(tell) {
    const { reference, priors } = this;
    const tensors = readSafetensors((await this.fetchOne(reference, tell)).bytes, reference.path);
    const boxes = priors && tensorOf(readSafetensors((await this.fetchOne(priors, tell)).bytes, priors.path), 'priors', priors.path);
    return { reference: tensors, priors: boxes };
  }

  /**
   * @param {FileEntry} file
   * @param {Tell} tell
   * @throws {ZooError} when it cannot be had whole and unchanged
   */
  async fetchOne(file, tell) {
    const fetched = await download(file, (received, _, waiting) => tell(this.before + received, this.total, waiting));
    this.before += file.bytes;
    return fetched;
  }
}
