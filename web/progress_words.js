/** What a run is doing, in words. */

import { megabytes } from './format.js';

/** @import { Stage } from './run_types.js' */
/** @import { Progress } from './types.js' */

/**
 * @param {Progress} progress
 * @param {{heldTo: string, iterations: number}} run what its outputs are compared with, and how many samples were asked for
 */
export function inWords({ stage, done, total }, { heldTo, iterations }) {
  /** @type {Record<Stage, () => string>} */
  const words = {
    start: () => 'Starting',
    download: () => `Downloading ${megabytes(done)} of ${megabytes(total)} MB`,
    runtime: () => runtimeBytes(done, total),
    session: () => 'Creating session',
    first_inference: () => 'First inference',
    verification: () => `Comparing the outputs with ${heldTo}`,
    warm_up: () => (total > 0 ? `Warming up ${Math.min(done + 1, total)} of ${total}` : `Warming up ${done + 1}`),
    sampling: () => `Sample ${Math.min(done + 1, total)} of ${totalInWords(total, iterations)}`,
    final_check: () => `Comparing the last outputs with ${heldTo}`,
    end_to_end: () => 'From a picture to its answer',
    placement: () => 'Looking where its nodes run',
  };
  return words[stage]();
}

/**
 * How many samples a run has, for its row.
 * @param {number} done
 * @param {number} total as Progress has it
 * @param {number} iterations
 */
export function countInWords(done, total, iterations) {
  return `${done} of ${totalInWords(Math.max(done, total), iterations)}`;
}

/**
 * Samples beyond those asked for are taken over a time, or until an interval is narrow: how many is not known before.
 * @param {number} total
 * @param {number} iterations
 */
function totalInWords(total, iterations) {
  return total === iterations ? String(total) : `about ${total}`;
}

/**
 * @param {number} done
 * @param {number} total 0 where the server does not tell
 */
function runtimeBytes(done, total) {
  if (done === 0 || done === total) return 'Starting the runtime';
  return `Downloading the runtime, ${megabytes(done)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`;
}
