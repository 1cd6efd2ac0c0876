/** Sending runs to the server, each once. A run is kept in this browser until the server has it, so that nothing measured is lost. */

import { explain } from './errors.js';
import { serversError } from './http.js';
import { allRuns, dropRun, legacyRuns, putRun } from './run_store.js';

/** @import { Run } from './run_types.js' */
/** @import { Kept } from './run_store.js' */

/** Of tabs that would send the same: only one at a time, where the browser has locks, and each tells the others what has changed. */
const NAME = 'browser-zoo.outbox';
const PATIENCE_MS = 30_000;
/** Other runs wait to be measured meanwhile; what does not arrive stays kept. */
const BETWEEN_RUNS_PATIENCE_MS = 5000;
const LOCK_PATIENCE_MS = 2000;
/** From one retry to the next: twice as long each time, up to the longest. */
const RETRY_MS = { first: 5000, longest: 300_000 };
/** Statuses that may be different next time, beside all of 500 and over. */
const WORTH_REPEATING = new Set([408, 429]);

/** Runs on their way to the server. All tabs share what is stored; a run that two send all the same is stored once by the server. */
export class Outbox {
  /**
   * @param {() => void} onChange called whenever `kept` has changed
   * @param {() => boolean} [isBusy] whether something is timed: nothing is then sent unasked
   */
  constructor(onChange, isBusy = () => false) {
    this.onChange = onChange;
    this.isBusy = isBusy;
    /** @type {Map<string, Kept>} What is stored, as far as this tab knows. */
    this.stored = new Map();
    /** @type {Map<string, Kept>} What only this tab has. */
    this.unstored = new Map();
    /** @type {string | null} Why the last run could not be stored. */
    this.problem = null;
    /** @type {string | null} Why the server could not take the last run that was sent, though it answered. */
    this.trouble = null;
    this.retryMs = RETRY_MS.first;
    this.timer = 0;
    /** @type {Promise<void>} */
    this.queue = Promise.resolve();
    this.channel = new BroadcastChannel(NAME);
    this.channel.onmessage = () => void this.refresh();
    /** When what earlier visits left is known. */
    this.ready = Promise.resolve().then(() => this.takeOver());
  }

  /** @returns {readonly Kept[]} */
  get kept() {
    return [...new Map([...this.stored, ...this.unstored]).values()];
  }

  /** Whether the runs would survive closing the tab. */
  get isStored() {
    return this.problem === null || this.unstored.size === 0;
  }

  /**
   * Keep a run, then send it and whatever waits. Never throws: what is not sent stays kept.
   * @param {Run} run
   */
  async send(run) {
    await this.keep(run);
    await this.sendAll();
  }

  /**
   * Keep a run. Never throws: what cannot be stored stays in memory, and `isStored` tells.
   * @param {Run} run
   * @param {string | null} [refused] the server's reason for never taking it
   */
  async keep(run, refused = null) {
    const kept = { run, refused };
    this.unstored.set(run.run_id, kept);
    this.onChange();
    try {
      await putRun(kept);
      this.stored.set(run.run_id, kept);
      this.unstored.delete(run.run_id);
      this.problem = null;
    } catch (error) {
      this.problem = explain(error);
    }
    this.changed();
  }

  /**
   * @param {string} runId
   * @returns {boolean} whether that run waits here; once `ready`, what earlier visits left is counted in
   */
  has(runId) {
    return this.stored.has(runId) || this.unstored.has(runId);
  }

  /** Send what waits, except what the server refused for good. One sending at a time; it ends where the server is out of reach. */
  sendAll(patienceMs = PATIENCE_MS) {
    this.queue = this.queue.then(() => alone(() => this.sendWaiting(patienceMs))).then(() => this.planRetry());
    return this.queue;
  }

  /** The same where measuring goes on afterwards, and should not meet a request that is still on its way. */
  sendBetweenRuns() {
    return this.sendAll(BETWEEN_RUNS_PATIENCE_MS);
  }

  /** Let refused runs try again: the server may have been mended. */
  async retryRefused() {
    for (const { run, refused } of this.kept) if (refused !== null) await this.keep(run);
    await this.sendAll();
  }

  /** Forget the runs that the server refused for good. */
  async discardRefused() {
    for (const { run, refused } of this.kept) if (refused !== null) await this.drop(run.run_id);
  }

  /**
   * What another tab has sent meanwhile is gone from the store by now, and what it kept is there.
   * @param {number} patienceMs with each run
   */
  async sendWaiting(patienceMs) {
    await this.refresh();
    for (const { run, refused } of this.kept) {
      if (refused === null && !(await this.sendOne(run, patienceMs))) return;
    }
  }

  /**
   * @param {Run} run
   * @param {number} patienceMs
   * @returns {Promise<boolean>} whether the server answered. If not, the run stays kept, is counted as not sent, and is tried again.
   */
  async sendOne(run, patienceMs) {
    try {
      const response = await fetch('/api/runs', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(run),
        signal: AbortSignal.timeout(patienceMs),
      });
      if (response.ok) {
        // A hotel's network answers 200 to anything; only the server itself knows the run.
        const { run_id: runId, stored } = await response.json();
        if (runId !== run.run_id || stored !== true) return false;
        this.trouble = null;
        this.retryMs = RETRY_MS.first;
        await this.drop(run.run_id);
        return true;
      }
      const isFinal = response.status < 500 && !WORTH_REPEATING.has(response.status);
      const said = await serversError(response);
      if (said && isFinal) await this.keep(run, explain(said));
      else this.setTrouble(said && explain(said));
      return true;
    } catch {
      this.setTrouble(null);
      return false; // Also where the answer breaks off: whether the server has it, or refused it, will show the next time.
    }
  }

  /** @param {string | null} trouble */
  setTrouble(trouble) {
    this.trouble = trouble;
    this.onChange();
  }

  /** As long as something waits, it is tried again: less and less often, and never while something is timed. */
  planRetry() {
    clearTimeout(this.timer);
    if (!this.kept.some(({ refused }) => refused === null)) return;
    this.timer = window.setTimeout(() => (this.isBusy() ? this.planRetry() : void this.sendAll()), this.retryMs);
    if (!this.isBusy()) this.retryMs = Math.min(2 * this.retryMs, RETRY_MS.longest);
  }

  /** @param {string} runId */
  async drop(runId) {
    this.unstored.delete(runId);
    this.stored.delete(runId);
    try {
      await dropRun(runId);
    } catch {
      // Storage is blocked, so it holds nothing to remove; a run that it does hold is sent again, which changes nothing.
    }
    this.stored.delete(runId); // A refresh may have found it while it was being dropped.
    this.changed();
  }

  /** What the store holds now, whichever tab put it there. */
  async refresh() {
    try {
      this.stored = new Map((await allRuns()).map((kept) => [kept.run.run_id, kept]));
    } catch (error) {
      this.problem = explain(error);
    }
    this.onChange();
  }

  /** What earlier visits left. */
  async takeOver() {
    for (const { run, refused } of legacyRuns()) await this.keep(run, refused);
    await this.refresh();
  }

  changed() {
    this.onChange();
    this.channel.postMessage('changed');
  }
}

/**
 * Do this while no other tab does. A tab that has the lock for long is sending already: what it does not know of yet is left to the
 * next retry. Where there are no locks, two tabs may send the same: the server knows every run by its id.
 * @param {() => Promise<void>} work
 */
async function alone(work) {
  if (!navigator.locks) return work();
  const patience = AbortSignal.timeout(LOCK_PATIENCE_MS);
  try {
    await navigator.locks.request(NAME, { signal: patience }, work);
  } catch (error) {
    if (error !== patience.reason) throw error;
  }
}
