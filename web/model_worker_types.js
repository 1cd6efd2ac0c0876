/** What the model page and its worker say to each other. */

/** @import { ModelEntry, VariantEntry, Verification } from './manifest_types.js' */
/** @import { Answer } from './answers.js' */
/** @import { Pixels } from './preprocess.js' */
/** @import { Backend, DeviceType, EndToEnd } from './run_types.js' */
/** @import { Config } from './types.js' */

/** @typedef {'start' | 'download' | 'runtime' | 'session' | 'proof' | 'look'} LookStage */

/**
 * Load a network and prove it on the photograph.
 * @typedef {object} OpenRequest
 * @property {'open'} kind
 * @property {ModelEntry} model one that `answersPictures`
 * @property {VariantEntry} variant
 * @property {Backend} backend
 * @property {DeviceType | null} deviceType
 * @property {number} threads
 * @property {Config['onnxruntime_web']} onnxruntimeWeb
 */

/** @typedef {OpenRequest | {kind: 'look', pixels: Pixels}} LookRequest */

/**
 * How far it is; `done` and `total` count bytes, where any are fetched. `waiting` says why nothing moves.
 * @typedef {{stage: LookStage, done: number, total: number | null, waiting: string | null}} LookProgress
 */

/**
 * `opened`: the outputs for the photograph were the reference's, within their tolerances; `answer` is what they say. `looked`: what
 * came of the picture that was sent, and how long that took, this once; the photograph's outputs were right again after it.
 * @typedef {{kind: 'progress'} & LookProgress
 *   | {kind: 'opened', runtime: string, verification: Verification, answer: Answer}
 *   | {kind: 'looked', answer: Answer, times: EndToEnd}
 *   | {kind: 'failed', message: string}} LookReply
 */

export {};
