/** The way from a picture to its answer, several times over: how often, and when it is enough. */

import { ZooError } from './errors.js';
import { isHeavy } from './warm_up.js';

/** @import { EndToEnd } from './run_types.js' */
/** One pass. `mismatch`: what to say of outputs that are not the reference's, null where they are. */
/** @typedef {() => Promise<{times: EndToEnd, mismatch: Error | null}>} Pass */

/**
 * As often as asked for and as the time budget lets, but once at least; once only where a single inference is much of the budget.
 * @param {Pass} pass
 * @param {{times: number, budgetMs: number, spentMs: number, inferenceMs: number}} limits `spentMs`: of the budget, by what came before;
 *   `inferenceMs`: what one takes
 * @param {(done: number) => void} onDone called after each
 * @returns {Promise<{taken: EndToEnd[], mismatch: Error | null}>} a mismatch ends it
 * @throws {ZooError} when the clock went backwards
 */
export async function takePasses(pass, { times, budgetMs, spentMs, inferenceMs }, onDone) {
  const most = mostPasses(times, inferenceMs, budgetMs);
  /** @type {EndToEnd[]} */
  const taken = [];
  let spent = spentMs;
  while (taken.length < most && (taken.length === 0 || spent < budgetMs)) {
    const { times: parts, mismatch } = await pass();
    if (mismatch) return { taken, mismatch };
    const durations = Object.values(parts);
    if (durations.some((ms) => ms < 0)) throw wentBackwards(durations);
    taken.push(parts);
    spent += durations.reduce((sum, ms) => sum + ms, 0);
    onDone(taken.length);
  }
  return { taken, mismatch: null };
}

/**
 * How long the passes will take, foreseen: a pass is little longer than its inference.
 * @param {{times: number, budgetMs: number, leftMs: number, inferenceMs: number}} limits `leftMs`: of the budget, by what comes before
 */
export function passesMs({ times, budgetMs, leftMs, inferenceMs }) {
  if (inferenceMs === 0) return 0;
  const affordable = Math.max(1, Math.ceil(leftMs / inferenceMs));
  return Math.min(mostPasses(times, inferenceMs, budgetMs), affordable) * inferenceMs;
}

/**
 * @param {number} times
 * @param {number} inferenceMs
 * @param {number} budgetMs
 */
function mostPasses(times, inferenceMs, budgetMs) {
  return isHeavy(inferenceMs, budgetMs) ? Math.min(times, 1) : times;
}

/** @param {readonly number[]} durations */
function wentBackwards(durations) {
  return new ZooError('The clock went backwards', {
    got: `${durations.join(', ')} ms for the three parts`,
    expected: 'readings that never decrease',
    next: 'time it again; if it happens again, this browser cannot be measured with',
  });
}
