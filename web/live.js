/** What is going on now: the run, its stage in words and as a bar, and the samples as they come. */

import { sampleChart } from './charts.js';
import { byId, html } from './dom.js';
import { backendName, megabytes, milliseconds } from './format.js';

/** @import { ShownRun } from './table.js' */
/** @import { PlannedRun, Progress, Sample, Stage } from './types.js' */

/** The stages that take time, and how much of a run's bar each takes: rough shares, for a bar that moves evenly enough. */
const SHARES = /** @type {const} */ ({
  start: 0,
  download: 0.15,
  session: 0.15,
  first_inference: 0.05,
  verification: 0.05,
  warm_up: 0.1,
  sampling: 0.48,
  final_check: 0.02,
});
const CHART_HEIGHT = 250;

/** The panel with progress and plot. Everything it shows is set through its methods. */
export class LivePanel {
  constructor() {
    this.title = byId('progress-run', HTMLElement);
    this.detail = byId('progress-detail', HTMLElement);
    this.bar = byId('progress-bar', HTMLProgressElement);
    this.plot = byId('plot', HTMLElement);
    this.caption = byId('plot-caption', HTMLElement);
    this.facts = byId('plot-facts', HTMLElement);
    /** @type {readonly Sample[]} */
    this.samples = [];
    this.expected = 1;
    this.position = { index: 0, total: 1 };
    this.heldTo = 'PyTorch';
    /** Shows the last timed run again, or nothing where there is none. */
    this.showLatest = () => {
      this.caption.textContent = '';
      [this.samples, this.expected] = [[], 0];
      this.plot.replaceChildren();
    };
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  /**
   * @param {{model: {title: string}, option: PlannedRun['option']}} planned
   * @param {number} index of the run, from 0
   * @param {number} total
   * @param {number} iterations
   * @param {string} [heldTo] what the outputs are compared with
   */
  begin({ model, option }, index, total, iterations, heldTo = 'PyTorch') {
    this.heldTo = heldTo;
    this.position = { index, total };
    this.title.textContent = `Run ${index + 1} of ${total}: ${model.title}, ${backendName(option)}`;
    this.caption.textContent = `${model.title}, ${backendName(option)}`;
    this.facts.replaceChildren();
    this.show([], iterations);
    this.progress({ stage: 'start', done: 0, total: 0, samples: [] });
  }

  /**
   * What is done before the run's first stage.
   * @param {string} what
   */
  say(what) {
    this.detail.textContent = what;
  }

  /** @param {Progress} progress */
  progress(progress) {
    this.detail.textContent = inWords(progress, this.heldTo);
    this.bar.value = (this.position.index + shareDone(progress)) / this.position.total;
    if (progress.samples.length > 0) this.show([...this.samples, ...progress.samples], this.expected);
  }

  /**
   * A timed run's samples and facts.
   * @param {ShownRun} run
   * @param {string} titleOfModel
   */
  showRun(run, titleOfModel) {
    this.showLatest = () => this.showRun(run, titleOfModel);
    this.caption.textContent = `${titleOfModel}, ${backendName(run)}`;
    const pairs = facts(run).flatMap(([term, value, field]) => [html('dt', {}, term), html('dd', { 'data-field': field }, value)]);
    this.facts.replaceChildren(...pairs);
    this.show(run.samples, Math.max(run.samples.length, 1));
  }

  /**
   * The batch is over. A failure, or a run that was stopped, has nothing to plot: its samples lack the final proof. So the run that
   * was timed last comes back into view, or nothing.
   * @param {{done: number, failed: number}} result
   */
  end({ done, failed }) {
    const { total } = this.position;
    const outcome = `${done - failed} of ${total} runs timed${failed > 0 ? `, ${failed} failed` : ''}`;
    this.title.textContent = done < total ? `Stopped: ${outcome}` : outcome;
    this.detail.textContent = '';
    this.bar.value = 1;
    this.showLatest();
  }

  /**
   * @param {readonly Sample[]} samples
   * @param {number} expected
   */
  show(samples, expected) {
    this.samples = samples;
    this.expected = expected;
    this.draw();
  }

  draw() {
    const width = Math.floor(this.plot.clientWidth);
    if (width > 0 && this.expected > 0) this.plot.replaceChildren(sampleChart(this.samples, { expected: this.expected, width, height: CHART_HEIGHT }));
  }
}

/**
 * The stage in words.
 * @param {Progress} progress
 * @param {string} heldTo
 */
export function inWords({ stage, done, total }, heldTo) {
  /** @type {Record<Stage, string>} */
  const words = {
    start: 'Starting',
    download: `Downloading ${megabytes(done)} of ${megabytes(total)} MB`,
    session: 'Creating session',
    first_inference: 'First inference',
    verification: `Comparing the outputs with ${heldTo}`,
    warm_up: `Warming up ${Math.min(done + 1, total)} of ${total}`,
    sampling: `Sample ${Math.min(done + 1, total)} of ${total}`,
    final_check: `Comparing the last outputs with ${heldTo}`,
  };
  return words[stage];
}

/**
 * How much of a run is over, from 0 to 1.
 * @param {Progress} progress
 */
function shareDone({ stage, done, total }) {
  let before = 0;
  for (const [name, share] of Object.entries(SHARES)) {
    if (name === stage) return before + (total > 0 ? share * (done / total) : 0);
    before += share;
  }
  return before;
}

/**
 * A run's other numbers: term, value, field.
 * @param {ShownRun} run
 * @returns {[string, string, string][]}
 */
function facts(run) {
  const cached = run.download_cached ? ' (from the cache)' : '';
  return [
    ...(run.download_ms === null ? [] : [/** @type {[string, string, string]} */ (['Download', `${milliseconds(run.download_ms)} ms${cached}`, 'download_ms'])]),
    ['Session creation', `${milliseconds(run.session_ms)} ms`, 'session_ms'],
    ['First inference', `${milliseconds(run.first_ms)} ms`, 'first_ms'],
    ['Warm-up', String(run.warmup_iterations), 'warmup_iterations'],
    ['Runtime', `${run.runtime} ${run.runtime_version}`, 'runtime'],
  ];
}
