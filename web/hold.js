/** What makes a batch wait or end: a person who pauses or stops, and a page that is not seen. */

/** @import { ConditionsWatch } from './conditions.js' */
/** @import { PauseGate } from './pause.js' */

/** @typedef {{signal: AbortSignal, gate: PauseGate}} Control how a batch is told to wait or to end: `signal` stops it (what is
 *     proven by then is kept), `gate` holds it for a while */

export const WHY_WAITING = Object.freeze({
  paused: 'Paused: nothing is measured until you go on.',
  hidden: 'Waiting for this page to be seen: browsers slow hidden pages down.',
});

/** Asked before every step of a batch. */
export class Hold {
  /**
   * @param {Control} control
   * @param {ConditionsWatch} watch
   * @param {(why: string | null) => void} said told why nothing moves, and null when it goes on
   */
  constructor({ signal, gate }, watch, said) {
    this.signal = signal;
    this.gate = gate;
    this.watch = watch;
    this.said = said;
    /** @type {Promise<void>} */
    this.stopped = new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  get isStopped() {
    return this.signal.aborted;
  }

  get mustWait() {
    return !this.isStopped && (this.gate.isPaused || this.watch.isHidden());
  }

  /** How often the page has been hidden so far. */
  get hides() {
    return this.watch.timesHidden();
  }

  /**
   * Wait while the batch is paused or the page is hidden; a batch that is stopped waits for nothing.
   * @returns {Promise<boolean>} whether there was anything to wait for
   */
  async ready() {
    let waited = false;
    while (this.mustWait) {
      waited = true;
      this.said(this.gate.isPaused ? WHY_WAITING.paused : WHY_WAITING.hidden);
      await Promise.race([this.gate.isPaused ? this.gate.whenRunning() : this.watch.whenVisible(), this.stopped]);
    }
    if (waited) this.said(null);
    return waited;
  }
}
