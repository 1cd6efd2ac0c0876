/** Which networks are light, what is predicted of them, and which runs a choice makes. */

/** @import { BackendName, BackendSupport, Manifest, ModelEntry, VariantEntry } from './manifest_types.js' */
/** @import { BackendOption, Choice, PlannedRun } from './types.js' */

const LIGHT_MACS = 10e9;
const LIGHT_BYTES = 60e6;

/**
 * Whether a network is for any visitor: what is not is timed when it is asked for. The limits let a phone download a file in half a
 * minute at 16 Mbit/s, and run an inference in about a second: dense convolutions reach 9 to 12 billion multiplications a second on one
 * thread of WebAssembly (Chromium 156, AMD EPYC, November 2026).
 * @param {ModelEntry} model
 */
export function isLight({ variants }) {
  return variants.every(({ macs, bytes }) => macs <= LIGHT_MACS && bytes <= LIGHT_BYTES);
}

/**
 * What the builder predicts of a file on a backend; null where it says nothing of that backend.
 * @param {VariantEntry} variant
 * @param {BackendName} backend
 * @returns {BackendSupport | null}
 */
export function predictedSupport({ support }, backend) {
  return support.find((one) => one.backend === backend) ?? null;
}

/**
 * The runs of a choice in the order chosen, model by model, so that a model's file is fetched once and then comes from the browser's
 * cache. Without those that are predicted to stop, unless the choice wants even them.
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly PlannedRun[]}
 */
export function planRuns(manifest, options, choice) {
  return allRuns(manifest, options, choice).filter((run) => choice.evenStopped || !isPredictedToStop(run));
}

/**
 * The runs that planRuns leaves out.
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly {title: string, backend: string}[]}
 */
export function skippedRuns(manifest, options, choice) {
  if (choice.evenStopped) return [];
  return allRuns(manifest, options, choice)
    .filter(isPredictedToStop)
    .map(({ model, option }) => ({ title: model.title, backend: option.title }));
}

/** @param {PlannedRun} run */
function isPredictedToStop({ variant, option }) {
  return predictedSupport(variant, option.backend)?.status === 'stops';
}

/**
 * @param {Manifest} manifest
 * @param {readonly BackendOption[]} options
 * @param {Choice} choice
 * @returns {readonly PlannedRun[]}
 */
function allRuns({ models }, options, choice) {
  const chosen = choice.models.flatMap((wanted) => models.filter(({ id }) => id === wanted));
  const backends = choice.backends.flatMap((wanted) => options.filter(({ value }) => value === wanted));
  return chosen.flatMap((model) => model.variants.flatMap((variant) => backends.map((option) => ({ model, variant, option }))));
}
