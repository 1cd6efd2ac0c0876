/** Three ways to measure, from a look to a proof: the numbers that a person need not choose one by one. */

/** @import { Preset } from './types.js' */
/**
 * The numbers that a preset sets.
 * @typedef {object} Numbers
 * @property {number} iterations
 * @property {number} minTimeS
 * @property {number | null} precision
 * @property {number} timeBudgetS
 */

/** @type {Readonly<Record<Preset, Readonly<Numbers>>>} */
export const PRESETS = Object.freeze({
  quick: Object.freeze({ iterations: 5, minTimeS: 0, precision: null, timeBudgetS: 120 }),
  standard: Object.freeze({ iterations: 30, minTimeS: 1, precision: null, timeBudgetS: 120 }),
  thorough: Object.freeze({ iterations: 30, minTimeS: 2, precision: 0.02, timeBudgetS: 300 }),
});

export const PRESET_NAMES = /** @type {readonly Preset[]} */ (Object.keys(PRESETS));

/**
 * The preset that has these numbers.
 * @param {Numbers} numbers
 * @returns {Preset | null} null for numbers of one's own
 */
export function presetOf({ iterations, minTimeS, precision, timeBudgetS }) {
  const isSame = (/** @type {Numbers} */ one) =>
    one.iterations === iterations && one.minTimeS === minTimeS && one.precision === precision && one.timeBudgetS === timeBudgetS;
  return PRESET_NAMES.find((name) => isSame(PRESETS[name])) ?? null;
}
