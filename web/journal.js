/**
 * What is being measured, written down before each step, so that the next visit can tell what a page was doing that the browser or
 * the system ended (iOS does it when memory runs short), record that run as failed and go on with the rest.
 *
 * It is kept in localStorage, because a page that is about to be ended finishes nothing that is asynchronous. The plan is written once;
 * what changes with every step is small. A page that is left on purpose says so (`left`): that is no failure of any run.
 */

import { explain } from './errors.js';
import { hold, letGo } from './journal_owner.js';
import { showProblems } from './notices.js';

/** @import { Order, Stage } from './run_types.js' */
/** @import { BackendOption, Choice, Settings } from './types.js' */
/** @import { Scheduled } from './batch.js' */

/** @typedef {{runId: string, model: string, variant: string, sha256: string, option: BackendOption, order: Order}} JournalRun */
/** @typedef {{runId: string, startedAt: string, stage: Stage}} Active the run that has the device, since when, and what it is doing */

/**
 * Written when a batch begins. `search` is the address's query, with which the same visit would begin again.
 * @typedef {object} Plan
 * @property {1} format
 * @property {string} batchId
 * @property {string} search
 * @property {Settings} settings
 * @property {Choice} choice
 * @property {readonly JournalRun[]} runs
 */

/**
 * Written before each step. `resumptions`: how often in a row the batch was taken up again without a run coming to its end.
 * @typedef {object} Progress
 * @property {readonly string[]} over ids of runs that need nothing more
 * @property {Active | null} active
 * @property {boolean} left whether the page was hidden or left: its end is then nobody's doing
 * @property {number} resumptions
 */

/** @typedef {{plan: Plan, progress: Progress}} Entry */

const PREFIX = 'browser-zoo.journal.';
const PROGRESS = '.progress';

/** The journal of one batch. None of its methods throws: where nothing can be stored, a batch cannot be taken up again, and that is all. */
export class Journal {
  /** @param {number} [resumptions] how often in a row this batch was taken up again before */
  constructor(resumptions = 0) {
    this.batchId = '';
    /** Whether everything could be written so far. */
    this.isKept = true;
    /** @type {Progress} */
    this.progress = { over: [], active: null, left: document.hidden, resumptions };
    this.note = () => this.write({ left: document.hidden });
    this.leave = () => this.write({ left: true });
  }

  /**
   * A batch begins. Called once, before anything is measured.
   * @param {readonly Scheduled[]} scheduled all runs, in their order; not empty
   * @param {{settings: Settings, choice: Choice}} conditions
   */
  begin(scheduled, { settings, choice }) {
    const [first] = scheduled;
    if (!first) return;
    this.batchId = first.order.batch_id;
    const runs = scheduled.map(({ runId, planned: { model, variant, option }, order }) => {
      return { runId, model: model.id, variant: variant.name, sha256: variant.sha256, option, order };
    });
    /** @type {Plan} */
    const plan = { format: 1, batchId: this.batchId, search: location.search, settings, choice, runs };
    hold(this.batchId);
    this.isKept = store(PREFIX + this.batchId, JSON.stringify(plan));
    this.write({ over: [], active: null, left: document.hidden });
    document.addEventListener('visibilitychange', this.note);
    window.addEventListener('pagehide', this.leave);
    window.addEventListener('pageshow', this.note);
  }

  /**
   * Before every stage of a run: it has the device from now on. Null: no run has it (calibration, pause, waiting for the page to be shown).
   * @param {Active | null} active
   */
  mark(active) {
    this.write({ active });
  }

  /**
   * A run needs nothing more: it is kept by the outbox already (`await outbox.keep(run)`, then this, then `outbox.sendAll()`), or it was
   * dropped on purpose.
   * @param {string} runId
   */
  over(runId) {
    const active = this.progress.active?.runId === runId ? null : this.progress.active;
    this.write({ over: [...this.progress.over, runId], active, resumptions: 0 });
  }

  /** The batch has come to its end, or was stopped. */
  end() {
    document.removeEventListener('visibilitychange', this.note);
    window.removeEventListener('pagehide', this.leave);
    window.removeEventListener('pageshow', this.note);
    forget(this.batchId);
  }

  /** @param {Partial<Progress>} change */
  write(change) {
    this.progress = { ...this.progress, ...change };
    if (this.isKept) this.isKept = storeProgress(this.batchId, this.progress);
  }
}

/**
 * What earlier pages have left, of this tab or another; what cannot be read is passed over.
 * @returns {readonly Entry[]}
 */
export function storedEntries() {
  return storedKeys().flatMap((key) => {
    try {
      const plan = /** @type {Plan} */ (JSON.parse(localStorage.getItem(key) ?? ''));
      const progress = /** @type {Progress} */ (JSON.parse(localStorage.getItem(key + PROGRESS) ?? ''));
      return plan.format === 1 && key === PREFIX + plan.batchId ? [{ plan, progress }] : [];
    } catch {
      return []; // Cut off, or another page's.
    }
  });
}

/**
 * Write down what has become of a batch that this page found.
 * @param {Entry} entry
 */
export function amend({ plan, progress }) {
  storeProgress(plan.batchId, progress);
}

/**
 * Nothing of that batch is to be done any more.
 * @param {string} batchId
 */
export function forget(batchId) {
  remove(batchId);
  letGo(batchId);
}

/** @param {string} batchId */
function remove(batchId) {
  try {
    localStorage.removeItem(PREFIX + batchId);
    localStorage.removeItem(PREFIX + batchId + PROGRESS);
  } catch {
    // Storage is blocked, so it holds nothing to remove.
  }
}

/** @returns {string[]} */
function storedKeys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && !key.endsWith(PROGRESS));
  } catch {
    return []; // Storage is blocked: an earlier page could not store anything either.
  }
}

/**
 * A plan whose progress cannot be written is removed: a later visit would believe the progress of some earlier step.
 * @param {string} batchId
 * @param {Progress} progress
 * @returns {boolean} whether it is written
 */
function storeProgress(batchId, progress) {
  const isKept = store(PREFIX + batchId + PROGRESS, JSON.stringify(progress));
  if (!isKept) remove(batchId);
  return isKept;
}

/** Said once a visit. */
let isTold = false;

/**
 * @param {string} key
 * @param {string} text
 * @returns {boolean} whether it is stored
 */
function store(key, text) {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch (error) {
    if (!isTold) {
      const what = `localStorage takes nothing more (${explain(error)}). Runs are measured and sent all the same. Next: allow this site to store data, or free some room.`;
      showProblems('Should the browser end this page, these runs cannot be gone on with', [what]);
    }
    isTold = true;
    return false;
  }
}
