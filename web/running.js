/** What holds while anything is timed: one batch at a time, a button that stops it, a screen that stays on. */

import { byId } from './dom.js';
import { keepAwake } from './wake_lock.js';

/** @import { LivePanel } from './live.js' */
/** @import { Outbox } from './upload.js' */

const root = document.documentElement;

/** @param {'loading' | 'ready' | 'invalid' | 'running' | 'done'} state what CSS and drivers go by */
export function setState(state) {
  root.dataset.state = state;
}

/** Runs batches, whatever they consist of. */
export class Runner {
  /**
   * @param {LivePanel} panel
   * @param {Outbox} outbox
   */
  constructor(panel, outbox) {
    this.panel = panel;
    this.outbox = outbox;
    this.stop = byId('stop', HTMLButtonElement);
    this.stopping = new AbortController();
    this.stop.addEventListener('click', () => this.stopping.abort());
  }

  get isRunning() {
    return root.dataset.state === 'running';
  }

  /**
   * @param {HTMLButtonElement} pressed the button that began it, and has the focus again afterwards
   * @param {(signal: AbortSignal) => Promise<{done: number, failed: number}>} run
   */
  async during(pressed, run) {
    this.stopping = new AbortController();
    exchange(pressed, this.stop, 'running');
    window.scrollTo(0, 0);
    const letSleep = keepAwake();
    const result = await run(this.stopping.signal);
    letSleep();
    this.panel.end(result);
    Object.assign(root.dataset, { runsDone: result.done, runsFailed: result.failed, runsUnsent: this.outbox.kept.length });
    exchange(this.stop, pressed, 'done');
  }
}

/**
 * A state in which one button takes the other's place: whoever was on the one is on the other then.
 * @param {HTMLButtonElement} leaving
 * @param {HTMLButtonElement} coming
 * @param {'running' | 'done'} state
 */
function exchange(leaving, coming, state) {
  const wasFocused = document.activeElement === leaving;
  setState(state);
  if (wasFocused) coming.focus({ preventScroll: true });
}
