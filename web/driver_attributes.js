/**
 * What drivers (fleet/, and reporting.js) read of a batch: data attributes of #progress, beside data-runs of the page and data-warnings of
 * each row. No CSS looks at them, so that nothing is laid out anew because of them.
 */

import { isOpenEnded } from './progress_words.js';

/** @import { Followed } from './live.js' */

/**
 * @param {HTMLElement} place
 * @param {{over: number, failed: number, warnings: number}} counts of the batch's runs; an attribute is absent where nothing is known
 * @param {Followed & {remainingMs: number | null} | null} run the one that has the device
 */
export function tellDrivers(place, { over, failed, warnings }, run) {
  const taken = run?.samples.length ?? 0;
  const known = {
    runsOver: over,
    runsFailed: failed,
    warnings,
    model: run?.model,
    backend: run?.backend,
    sample: run ? taken : null,
    samples: run && !isOpenEnded(taken, run) ? Math.max(taken, run.expected) : null,
    lastMs: run?.samples.at(-1)?.duration_ms,
    remainingS: run && run.remainingMs !== null ? Math.round(run.remainingMs / 1000) : null,
  };
  for (const [name, value] of Object.entries(known)) set(place.dataset, name, value);
}

/**
 * Leaves alone what is right already.
 * @param {DOMStringMap} data
 * @param {string} name
 * @param {string | number | null | undefined} value
 */
function set(data, name, value) {
  if (value === null || value === undefined) delete data[name];
  else if (data[name] !== String(value)) data[name] = String(value);
}
