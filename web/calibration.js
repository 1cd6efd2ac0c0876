/**
 * How fast this device is right now, and how much of it something else uses: a loop of plain arithmetic on every core, while nothing
 * of the page runs. Before and after a measurement, it tells a slower device from a slower model.
 */

import { percentile } from './statistics.js';

/** @import { Calibration } from './run_types.js' */

/** What a worker found: its fastest pass, and the share of the time that its passes would not have needed at that speed. */
/** @typedef {{fastest_ms: number, lost_share: number}} Passes */

/** More would tell nothing new, and a phone would start workers for longer than it calibrates. */
const MOST_WORKERS = 8;
/**
 * After its load event a page is still at work on itself: compiling, painting, filling caches. On two idle cores the loop lost 10 to 55 % of
 * its time to that for up to 0.75 s (Chromium 156) and 0.5 s (Firefox 153, November 2026), and 2 to 7 % from then on. A device that took
 * longer to load it takes longer for the rest too. What a press of the button loads is done with in a quarter of a second.
 */
const REST_MS = { afterLoad: 750, mostAfterLoad: 2000, afterStart: 250 };
/** Starting workers takes milliseconds; a device that needs longer than this is told nothing by the loop. */
const PATIENCE_MS = 10_000;

/**
 * Wait until the page is no longer at work on itself, which would look like another program.
 * @param {AbortSignal} [signal] ends the wait
 */
export async function atRest(signal) {
  const [navigation] = performance.getEntriesByType('navigation');
  const loaded = navigation instanceof PerformanceNavigationTiming ? navigation.loadEventEnd : 0;
  const rest = Math.min(Math.max(REST_MS.afterLoad, loaded), REST_MS.mostAfterLoad);
  const left = Math.max((loaded || performance.now()) + rest - performance.now(), REST_MS.afterStart);
  await new Promise((resolve) => {
    setTimeout(resolve, left);
    signal?.addEventListener('abort', resolve, { once: true });
  });
}

/**
 * Takes about a quarter of a second.
 * @param {number | null} cores as the browser tells, null where it does not: then one worker
 * @param {AbortSignal} [signal] ends it at once
 * @returns {Promise<Calibration | null>} null when stopped, or when workers do not start or answer here
 */
export async function calibrate(cores, signal) {
  /** @type {Worker[]} */
  const workers = [];
  const over = new AbortController();
  const stop = () => over.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const patience = setTimeout(() => over.abort(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    signal?.throwIfAborted();
    while (workers.length < Math.min(cores ?? 1, MOST_WORKERS)) {
      workers.push(new Worker(new URL('./calibration_worker.js', import.meta.url), { type: 'module', name: 'calibration' }));
    }
    await Promise.all(workers.map((worker) => answerOf(worker, over.signal)));
    const passes = workers.map((worker) => {
      worker.postMessage('begin');
      return answerOf(worker, over.signal);
    });
    return summary(/** @type {Passes[]} */ (await Promise.all(passes)));
  } catch (error) {
    if (!signal?.aborted) console.warn('calibration: not possible here:', error);
    return null;
  } finally {
    clearTimeout(patience);
    signal?.removeEventListener('abort', stop);
    for (const worker of workers) worker.terminate();
  }
}

/**
 * @param {readonly Passes[]} passes one per worker, at least one
 * @returns {Calibration}
 */
export function summary(passes) {
  return {
    workers: passes.length,
    loop_ms: Math.min(...passes.map((worker) => worker.fastest_ms)),
    lost_share: percentile(Float64Array.from(passes, (worker) => worker.lost_share).sort(), 50),
  };
}

/**
 * The worker's next message.
 * @param {Worker} worker
 * @param {AbortSignal} over
 * @returns {Promise<unknown>}
 */
function answerOf(worker, over) {
  return new Promise((resolve, reject) => {
    over.throwIfAborted();
    over.addEventListener('abort', () => reject(over.reason), { once: true });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || 'calibration_worker.js could not be loaded or run'));
    };
  });
}
