/** Sending runs to the server. A run is kept in this browser until the server has it, so that nothing measured is lost. */

import { explain } from './errors.js';
import { serversError } from './http.js';

/** @import { Run } from './types.js' */
/** @typedef {{run: Run, refused: string | null}} Kept a run not sent yet; `refused` is the server's reason for never taking it */

const PREFIX = 'browser-zoo.unsent.';
const PATIENCE_MS = 30_000;
/** Statuses that may be different next time, beside all of 500 and over. */
const WORTH_REPEATING = new Set([408, 429]);

/** Runs on their way to the server. Two tabs share what is stored; a run that both send is stored once. */
export class Outbox {
  /** @param {() => void} onChange called whenever `kept` has changed */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Map<string, Kept>} */
    this.waiting = new Map(readStored());
    /** Whether the runs would survive closing the tab. */
    this.isStored = true;
    /** @type {Promise<void>} */
    this.queue = Promise.resolve();
  }

  /** @returns {readonly Kept[]} */
  get kept() {
    return [...this.waiting.values()];
  }

  /**
   * Keep a run, then send it and whatever waits. Never throws: what is not sent stays kept.
   * @param {Run} run
   */
  async send(run) {
    this.keep({ run, refused: null });
    await this.sendAll();
  }

  /** Send what waits, except what the server refused for good. One sending at a time; it ends where the server is out of reach. */
  sendAll() {
    this.queue = this.queue.then(async () => {
      for (const { run, refused } of this.kept) {
        if (refused === null && !(await this.sendOne(run))) return;
      }
    });
    return this.queue;
  }

  /** Let refused runs try again: the server may have been mended. */
  retryRefused() {
    for (const { run } of this.kept) this.keep({ run, refused: null });
    return this.sendAll();
  }

  /** Forget the runs that the server refused for good. */
  discardRefused() {
    for (const { run, refused } of this.kept) if (refused !== null) this.drop(run.run_id);
  }

  /**
   * @param {Run} run
   * @returns {Promise<boolean>} whether the server answered. If not, the run stays kept, is counted as not sent, and is tried again.
   */
  async sendOne(run) {
    try {
      const response = await fetch('/api/runs', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(run),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const isFinal = response.status < 500 && !WORTH_REPEATING.has(response.status);
      const refused = response.ok || !isFinal ? null : await serversError(response);
      if (response.ok) this.drop(run.run_id);
      else if (refused) this.keep({ run, refused: explain(refused) });
      return true;
    } catch {
      return false; // Also where the answer breaks off: whether it was a refusal will show the next time.
    }
  }

  /** @param {Kept} kept */
  keep(kept) {
    this.waiting.set(kept.run.run_id, kept);
    try {
      localStorage.setItem(PREFIX + kept.run.run_id, JSON.stringify(kept));
    } catch {
      this.isStored = false; // Storage is full or blocked: the page says that this tab must stay open.
    }
    this.onChange();
  }

  /** @param {string} runId */
  drop(runId) {
    this.waiting.delete(runId);
    try {
      localStorage.removeItem(PREFIX + runId);
    } catch {
      // Storage is blocked, so it holds nothing to remove.
    }
    this.onChange();
  }
}

/**
 * The runs that an earlier visit could not send. What cannot be read is left where it is: it may be a newer page's.
 * @returns {[string, Kept][]}
 */
function readStored() {
  return storedKeys().flatMap((key) => {
    try {
      const kept = /** @type {Kept} */ (JSON.parse(localStorage.getItem(key) ?? ''));
      return kept.run.run_id === key.slice(PREFIX.length) ? [[kept.run.run_id, kept]] : [];
    } catch {
      return [];
    }
  });
}

/** @returns {string[]} */
function storedKeys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  } catch {
    return []; // Storage is blocked: an earlier visit could not keep anything either.
  }
}
