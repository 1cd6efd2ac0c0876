/** Shows a batch: what batch.js and own_model_runs.js tell becomes the live panel and the table of results. */

import { backendName } from './format.js';
import { LivePanel } from './live.js';
import { dropRow, showFinished, showHead, showProgress, showRow } from './results.js';
import { runningRow } from './table.js';

/** @import { Shown } from './batch_run.js' */
/** @import { Listener } from './conductor.js' */
/** @import { LiveRun } from './live.js' */
/** @import { ShownRun } from './table.js' */

/** One for all batches of a visit. */
export class BatchView {
  constructor() {
    this.panel = new LivePanel(showProgress);
    showHead();
  }

  /**
   * A listener that shows a batch.
   * @template {Shown} Planned
   * @template {ShownRun} Finished
   * @param {number} iterations how many samples are asked for
   * @param {{heldTo?: string, onFinished?: (run: Finished) => void}} [options] what the outputs are compared with; who else is told
   * @returns {Listener<Planned, Finished>}
   */
  listener(iterations, { heldTo = 'PyTorch', onFinished = () => {} } = {}) {
    /** @type {Map<string, {planned: Planned, position: number}>} */
    const known = new Map();
    return {
      planned: (runs) => {
        for (const { runId, planned, order } of runs) known.set(runId, { planned, position: order.position });
        this.panel.open(runs.length);
      },
      begun: (runId) => {
        const run = known.get(runId);
        if (run) this.begin(runId, run.planned, { position: run.position, iterations, heldTo });
      },
      progressed: (runId, progress, overall) => this.panel.progress(runId, progress, overall),
      said: (text) => this.panel.say(text),
      finished: (run) => {
        onFinished(run);
        this.finish(run, known.get(run.run_id)?.planned.model.title ?? run.model);
      },
      abandoned: (runId) => this.drop(runId),
    };
  }

  /**
   * @param {string} runId
   * @param {Shown} shown
   * @param {Omit<LiveRun, 'name'>} run
   */
  begin(runId, shown, run) {
    showRow(runningRow(runId, shown));
    this.panel.begin(runId, { ...run, name: `${shown.model.title}, ${backendName(shown.option)}` });
  }

  /**
   * @param {ShownRun} run
   * @param {string} title of its model
   */
  finish(run, title) {
    showFinished(run, title, this.panel.plot);
    this.panel.finish(run, title);
  }

  /** @param {string} runId */
  drop(runId) {
    dropRow(runId);
    this.panel.drop(runId);
  }
}
