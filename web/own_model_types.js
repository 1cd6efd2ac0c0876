/** The nouns of timing a file of the user's, which never leaves the browser: what a worker is asked, and what it answers. */

/** @import { OnnxFacts, OnnxInput } from './onnx_metadata.js' */
/** @import { NumericOutputs } from './own_model_proof.js' */
/** @import { Backend, Config, Measurement, Progress, Run, Stage } from './types.js' */

/** @typedef {{kind: 'inspect', file: File}} InspectRequest */

/**
 * The session that the others are held to. `dimensions` by the key of each open dimension.
 * @typedef {object} ReferenceRequest
 * @property {'reference'} kind
 * @property {File} file
 * @property {readonly OnnxInput[]} inputs
 * @property {Readonly<Record<string, number>>} dimensions
 * @property {Config['onnxruntime_web']} onnxruntimeWeb
 */

/**
 * One timed run. `random`: operators of the file that draw random numbers.
 * @typedef {object} TimeRequest
 * @property {'time'} kind
 * @property {File} file
 * @property {readonly OnnxInput[]} inputs
 * @property {Readonly<Record<string, number>>} dimensions
 * @property {Config['onnxruntime_web']} onnxruntimeWeb
 * @property {NumericOutputs} reference
 * @property {readonly string[]} random
 * @property {'onnxruntime-web'} runtime
 * @property {Backend} backend
 * @property {number} threads
 * @property {number} iterations
 * @property {number} warmup
 * @property {number} timeBudgetS
 */

/** @typedef {InspectRequest | ReferenceRequest | TimeRequest} OwnRequest */

/** @typedef {{kind: 'inspected', facts: OnnxFacts, sha256: string | null}} Inspected */
/** @typedef {{kind: 'reference', outputs: NumericOutputs}} Referenced */
/** @typedef {{kind: 'failed', stage: Stage, message: string}} Failed */
/**
 * @typedef {Inspected | Referenced | {kind: 'progress', progress: Progress, measured: Measurement}
 *   | {kind: 'finished', measured: Measurement} | Failed} OwnAnswer
 */

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
