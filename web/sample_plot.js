/** The one large plot: a run's samples while they come, or a finished run's with all that it tells. */

import { sampleChart } from './charts.js';
import { byId, html } from './dom.js';
import { factsOf } from './facts.js';
import { backendName } from './format.js';

/** @import { Sample } from './run_types.js' */
/** @import { ShownRun } from './table.js' */

const HEIGHT = 250;
/** On a phone the list of facts would push the results off the screen. */
const WIDE = '(min-width: 48rem)';

export class SamplePlot {
  constructor() {
    this.place = byId('plot', HTMLElement);
    this.caption = byId('plot-caption', HTMLElement);
    this.facts = byId('plot-facts', HTMLElement);
    /** @type {readonly Sample[]} */
    this.samples = [];
    this.expected = 0;
    /** Shows the last timed run again, or nothing where there is none. */
    this.showLatest = () => this.show('', [], 0);
    byId('plot-more', HTMLDetailsElement).open = window.matchMedia(WIDE).matches;
    new ResizeObserver(() => this.draw()).observe(this.place);
  }

  /**
   * @param {ShownRun} run
   * @param {string} titleOfModel
   */
  showRun(run, titleOfModel) {
    this.showLatest = () => this.showRun(run, titleOfModel);
    this.show(`${titleOfModel}, ${backendName(run)}`, run.samples, Math.max(run.samples.length, 1));
    this.facts.replaceChildren(
      ...factsOf(run).map(([term, value, field]) => html('div', {}, html('dt', {}, term), html('dd', { 'data-field': field }, value))),
    );
  }

  /**
   * @param {string} caption
   * @param {readonly Sample[]} samples
   * @param {number} expected how many there will be; 0 shows no axes either
   */
  show(caption, samples, expected) {
    this.caption.textContent = caption;
    this.facts.replaceChildren();
    this.samples = samples;
    this.expected = expected;
    this.draw();
  }

  /** @param {readonly Sample[]} samples of the run that is shown, with those that are new */
  grow(samples) {
    this.samples = samples;
    this.draw();
  }

  draw() {
    const width = Math.floor(this.place.clientWidth);
    if (this.expected === 0) this.place.replaceChildren();
    else if (width > 0) this.place.replaceChildren(sampleChart(this.samples, { expected: this.expected, width, height: HEIGHT }));
  }
}
