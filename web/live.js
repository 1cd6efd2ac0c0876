/** What is going on now: which run, its stage, why nothing moves, how far all runs are, and the samples as they come. */

import { Announcer } from './announcer.js';
import { byId } from './dom.js';
import { tellDrivers } from './driver_attributes.js';
import { milliseconds } from './format.js';
import { countInWords, inWords } from './progress_words.js';
import { Remaining } from './remaining.js';
import { SamplePlot } from './sample_plot.js';
import { summarise } from './statistics.js';

/** @import { ShownRun } from './table.js' */
/** @import { Sample } from './run_types.js' */
/** @import { Progress } from './types.js' */
/** @typedef {{share: number, remainingMs: number | null}} Overall how far the batch is, from 0 to 1 */
/**
 * A run that is not over.
 * @typedef {object} LiveRun
 * @property {string} name The network and the backend.
 * @property {string} model
 * @property {string} backend As in the page's address, with its threads.
 * @property {number} position From 1, of the batch's runs.
 * @property {number} iterations How many samples were asked for.
 * @property {number | null} precision How narrow the median's interval shall be; null: however wide.
 * @property {string} heldTo What the outputs are compared with.
 */
/** @typedef {LiveRun & {samples: readonly Sample[], expected: number}} Followed `expected`: how many samples there will be, as far as is known */

/** Drawing competes with what is timed for the processor: whatever comes within this time is drawn at once. */
const DRAW_EVERY_MS = 300;
/** @type {Progress} */
const STARTING = { stage: 'start', done: 0, total: 0, samples: [] };

/** What is not known yet. @param {number} total */
function blankBatch(total) {
  return {
    total,
    over: 0,
    failed: 0,
    warnings: 0,
    /** @type {Map<string, Followed>} */
    runs: new Map(),
    /** The run that has the device. @type {string | null} */
    onId: null,
    /** The run whose samples are drawn while they come. @type {string | null} */
    plottedId: null,
    latest: STARTING,
    /** @type {Overall | null} */
    overall: null,
    /** @type {string | null} */
    said: null,
    remaining: new Remaining(),
    isOver: false,
  };
}

/** The panel with progress and plot. Everything it shows is set through its methods. */
export class LivePanel {
  /** @param {(runId: string, state: {count: string, note: string, isOn: boolean}) => void} onRow shows in a run's row how far it is */
  constructor(onRow) {
    this.onRow = onRow;
    this.place = byId('progress', HTMLElement);
    this.title = byId('progress-run', HTMLElement);
    this.detail = byId('progress-detail', HTMLElement);
    this.bar = byId('progress-bar', HTMLProgressElement);
    this.runsOver = byId('progress-count', HTMLElement);
    this.left = byId('progress-left', HTMLElement);
    this.reason = byId('said', HTMLElement);
    this.announcer = new Announcer(byId('announcements', HTMLElement));
    this.plot = new SamplePlot();
    this.batch = blankBatch(0);
    this.drawnAt = -Infinity;
    this.timer = 0;
  }

  /**
   * A batch begins.
   * @param {number} total how many runs it has
   */
  open(total) {
    this.batch = blankBatch(total);
    document.documentElement.dataset.runs = String(total);
    this.draw();
  }

  /**
   * @param {string} runId
   * @param {LiveRun} run
   */
  begin(runId, run) {
    this.batch.runs.set(runId, { ...run, samples: [], expected: run.iterations });
    this.batch.onId = runId;
    this.batch.latest = STARTING;
    if (this.batch.runs.size === 1) this.announcer.tell(`Run ${run.position} of ${this.batch.total} begins: ${run.name}`);
    this.draw();
  }

  /**
   * @param {string} runId
   * @param {Progress} progress
   * @param {Overall | null} overall
   */
  progress(runId, progress, overall) {
    const run = this.batch.runs.get(runId);
    if (!run) return;
    const isRestart = progress.stage === 'warm_up' && progress.done === 0;
    const samples = isRestart ? [] : [...run.samples, ...progress.samples];
    const expected = progress.stage === 'sampling' ? progress.total : run.expected;
    this.batch.runs.set(runId, { ...run, samples, expected });
    [this.batch.onId, this.batch.latest] = [runId, progress];
    this.batch.overall = overall ?? this.batch.overall;
    this.drawSoon();
  }

  /**
   * Why nothing moves, or null when it moves again.
   * @param {string | null} what
   * @param {{now: boolean}} [options] now: an answer to what the person just did
   */
  say(what, options) {
    this.batch.said = what;
    if (what) this.announcer.tell(what, options);
    this.draw();
  }

  /**
   * @param {ShownRun} run
   * @param {string} titleOfModel
   */
  finish(run, titleOfModel) {
    const name = this.batch.runs.get(run.run_id)?.name ?? titleOfModel;
    this.leave(run.run_id);
    this.batch.failed += run.error ? 1 : 0;
    this.batch.warnings += run.warnings.length;
    const result = run.error ? 'failed' : `median ${milliseconds(summarise(run.samples).median_ms)} ms`;
    this.announcer.tell(`${this.batch.over} of ${this.batch.total} runs over. ${name}: ${result}`);
    if (!run.error) this.plot.showRun(run, titleOfModel);
    this.draw();
  }

  /** @param {string} runId of a run that was given up */
  drop(runId) {
    this.leave(runId);
    this.draw();
  }

  /** @param {string} runId */
  leave(runId) {
    this.batch.runs.delete(runId);
    this.batch.over += 1;
    if (this.batch.onId === runId) this.batch.onId = null;
    if (this.batch.plottedId === runId) this.batch.plottedId = null;
  }

  /**
   * The batch is over. A failure, or a run that was stopped before a sample was proven, has nothing to plot: so the run that was timed
   * last comes back into view, or nothing.
   * @param {{done: number, failed: number, what?: string}} result what: was done with the runs, if they were not timed
   */
  end({ done, failed, what = 'timed' }) {
    window.clearTimeout(this.timer);
    this.batch.isOver = true;
    const outcome = `${done - failed} of ${this.batch.total} runs ${what}${failed > 0 ? `, ${failed} failed` : ''}`;
    this.title.textContent = done < this.batch.total ? `Stopped: ${outcome}` : outcome;
    for (const place of [this.detail, this.left, this.runsOver, this.reason]) place.textContent = '';
    this.reason.hidden = true;
    this.bar.value = 1;
    tellDrivers(this.place, this.batch, null);
    this.announcer.tell(this.title.textContent, { now: true });
    this.plot.showLatest();
  }

  drawSoon() {
    if (this.timer) return;
    const wait = this.drawnAt + DRAW_EVERY_MS - performance.now();
    if (wait <= 0) this.draw();
    else this.timer = window.setTimeout(() => this.draw(), wait);
  }

  /** What is put off is drawn now. */
  drawNow() {
    if (this.timer) this.draw();
  }

  draw() {
    window.clearTimeout(this.timer);
    this.timer = 0;
    if (this.batch.isOver) return;
    this.drawnAt = performance.now();
    const { total, over, runs, onId, latest, overall, said, remaining } = this.batch;
    const run = onId === null ? undefined : runs.get(onId);
    // A person, or the network, has to do something. What passes by itself stands where the stage does, so that nothing moves.
    const [reason, passing] = isHeld() ? [said, null] : [latest.waiting ?? null, said];
    this.title.textContent = run ? `Run ${run.position} of ${total}: ${run.name}` : '';
    this.detail.textContent = passing ?? (run ? inWords(latest, run) : '');
    this.reason.textContent = reason ?? '';
    this.reason.hidden = reason === null;
    this.bar.value = overall?.share ?? over / Math.max(total, 1);
    this.runsOver.textContent = total > 1 ? `${over} of ${total} runs over` : '';
    const left = said === null ? remaining.tell(overall?.remainingMs ?? null, this.drawnAt) : { words: '', ms: null };
    this.left.textContent = left.words;
    tellDrivers(this.place, this.batch, run ? { ...run, remainingMs: left.ms } : null);
    for (const [runId, { samples, expected, iterations, precision }] of runs) {
      const isOn = runId === onId;
      const count = samples.length > 0 ? countInWords(samples.length, expected, { iterations, precision }) : '';
      this.onRow(runId, { count, isOn, note: isOn ? 'measured now' : 'waits for its turn' });
    }
    this.drawPlot();
  }

  /** One run's samples stay in view until it is over, though others take turns with it. */
  drawPlot() {
    const shown = this.batch.plottedId === null ? undefined : this.batch.runs.get(this.batch.plottedId);
    if (shown) {
      if (shown.samples !== this.plot.samples) this.plot.grow(shown.samples);
      return;
    }
    const [first] = this.batch.runs;
    if (!first) return;
    const [runId, { name, samples, iterations }] = first;
    this.batch.plottedId = runId;
    this.plot.show(name, samples, iterations);
  }
}

/** Whether it is the person who holds the batch, by pausing it or by looking at something else. */
function isHeld() {
  return document.hidden || document.documentElement.hasAttribute('data-paused');
}
