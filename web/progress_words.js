/** What a run is doing, in words. */

import { megabytes } from './format.js';

/** @import { Stage } from './run_types.js' */
/** @import { Progress } from './types.js' */

/**
 * @param {Progress} progress
 * @param {{heldTo: string, iterations: number, precision: number | null}} run what its outputs are compared with, and how many
 *     samples were asked for, until which precision
 */
export function inWords({ stage, done, total }, { heldTo, iterations, precision }) {
  /** @type {Record<Stage, () => string>} */
  const words = {
    start: () => 'Starting',
    download: () => `Downloading ${megabytes(done)} of ${megabytes(total)} MB`,
    runtime: () => runtimeBytes(done, total),
    session: () => 'Creating session',
    first_inference: () => 'First inference',
    verification: () => `Comparing the outputs with ${heldTo}`,
    warm_up: () => (total > 0 ? `Warming up ${Math.min(done + 1, total)} of ${total}` : `Warming up ${done + 1}`),
    sampling: () =>
      isOpenEnded(done, { iterations, precision })
        ? `Sample ${done + 1}, until the interval is narrow enough`
        : `Sample ${Math.min(done + 1, total)} of ${totalInWords(total, iterations)}`,
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
 * @param {{iterations: number, precision: number | null}} asked
 */
export function countInWords(done, total, asked) {
  if (isOpenEnded(done, asked)) return `${done} so far`;
  return `${done} of ${totalInWords(Math.max(done, total), asked.iterations)}`;
}

/**
 * Whether as many samples as were asked for are there, and it goes on until the median is known well enough.
 * @param {number} done
 * @param {{iterations: number, precision: number | null}} asked
 */
export function isOpenEnded(done, { iterations, precision }) {
  return precision !== null && done >= iterations;
}

/**
 * Samples beyond those asked for are taken over a time: how many is not known before.
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
