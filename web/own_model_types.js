/** The nouns of timing a file of the user's, which never leaves the browser: what a worker is asked, and what it answers. */

/** @import { OnnxFacts, OnnxInput } from './onnx_metadata.js' */
/** @import { NumericOutputs } from './own_model_proof.js' */
/** @import { Run, Stage } from './run_types.js' */
/** @import { Asked, Config } from './types.js' */

/** @typedef {{kind: 'inspect', file: File}} InspectRequest */

/**
 * The file with what its open dimensions are, by the key of each.
 * @typedef {object} Filled
 * @property {File} file
 * @property {readonly OnnxInput[]} inputs
 * @property {Readonly<Record<string, number>>} dimensions
 * @property {Config['onnxruntime_web']} onnxruntimeWeb
 */

/** @typedef {Filled & {kind: 'reference'}} ReferenceRequest for the session that the others are held to */
/** @typedef {InspectRequest | ReferenceRequest} OwnRequest */

/** @typedef {Asked & Filled & {reference: NumericOutputs, random: readonly string[]}} OwnJob one timed run; `random`: operators that draw random numbers */

/** @typedef {{kind: 'inspected', facts: OnnxFacts, sha256: string | null}} Inspected */
/** @typedef {{kind: 'reference', outputs: NumericOutputs}} Referenced */
/** @typedef {{kind: 'failed', stage: Stage, message: string}} Failed */
/** @typedef {Inspected | Referenced | Failed} OwnAnswer */
/** @typedef {OwnAnswer | {kind: 'stage', stage: Stage}} OwnMessage */

/**
 * A file as it was dropped, and what it says of itself.
 * @typedef {object} OwnModel
 * @property {File} file
 * @property {OnnxFacts} facts
 * @property {string | null} sha256 Null where this browser computes none.
 */

/**
 * A Run of a file that the zoo does not know: shown and kept in this page, never posted.
 * @typedef {Omit<Run, 'weights' | 'model_sha256'> & {model_sha256: string | null, dimensions: Readonly<Record<string, number>>, held_to: string}} OwnRun
 */

export {};
