/** What holds while anything is timed: one batch at a time, buttons that pause and stop it. */

import { byId } from './dom.js';
import { explain } from './errors.js';
import { sentence } from './format.js';
import { showProblems } from './notices.js';
import { PauseGate } from './pause.js';

/** @import { BatchView } from './batch_view.js' */
/** @import { Control } from './hold.js' */
/** @import { Outbox } from './upload.js' */

const root = document.documentElement;

/** @param {'loading' | 'ready' | 'invalid' | 'running' | 'done'} state what CSS and drivers go by */
export function setState(state) {
  root.dataset.state = state;
}

/** Runs batches, whatever they consist of. The code that runs and shows them is loaded when the first one starts. */
export class Runner {
  /** @param {Outbox} outbox */
  constructor(outbox) {
    this.outbox = outbox;
    this.pause = byId('pause', HTMLButtonElement);
    this.stop = byId('stop', HTMLButtonElement);
    this.stopping = new AbortController();
    this.gate = new PauseGate();
    /** @type {BatchView | null} */
    this.view = null;
    this.pause.addEventListener('click', () => this.setPaused(!this.gate.isPaused));
    this.stop.addEventListener('click', () => this.stopNow());
  }

  get isRunning() {
    return root.dataset.state === 'running';
  }

  /** @param {boolean} isPaused */
  setPaused(isPaused) {
    if (isPaused) this.gate.pause();
    else this.gate.resume();
    this.pause.textContent = isPaused ? 'Resume' : 'Pause';
    root.toggleAttribute('data-paused', isPaused);
    this.view?.panel.say(isPaused ? 'Pausing: what is under way comes to its end first.' : null, { now: true });
  }

  stopNow() {
    this.stopping.abort();
    this.setPaused(false);
    this.view?.panel.say('Stopping.', { now: true });
  }

  /**
   * @param {HTMLButtonElement} pressed the button that began it, and has the focus again afterwards
   * @param {(view: BatchView, control: Control) => Promise<{done: number, failed: number}>} run
   */
  async during(pressed, run) {
    this.stopping = new AbortController();
    this.setPaused(false);
    exchange([pressed], this.pause, 'running');
    window.scrollTo(0, 0);
    let result = { done: 0, failed: 0 };
    let unfinished = 0;
    try {
      const { BatchView } = await import('./batch_view.js');
      this.view ??= new BatchView();
      result = await run(this.view, { signal: this.stopping.signal, gate: this.gate });
    } catch (error) {
      unfinished = 1; // A driver must not take this for a success.
      showProblems('The runs ended before their time', [`${sentence(explain(error))} What was timed before is kept. Next: reload the page and start again.`]);
    }
    this.view?.panel.end(result);
    Object.assign(root.dataset, { runsDone: result.done, runsFailed: result.failed + unfinished, runsUnsent: this.outbox.kept.length });
    this.setPaused(false);
    exchange([this.pause, this.stop], pressed, 'done');
  }
}

/**
 * A state in which buttons take others' places: whoever was on one of those that go is on the one that comes.
 * @param {readonly HTMLButtonElement[]} leaving
 * @param {HTMLButtonElement} coming
 * @param {'running' | 'done'} state
 */
function exchange(leaving, coming, state) {
  const wasFocused = leaving.some((button) => document.activeElement === button);
  setState(state);
  if (wasFocused) coming.focus({ preventScroll: true });
}
