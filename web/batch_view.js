/** Shows a batch: what batch.js and own_model_runs.js tell becomes the live panel and the table of results. */

import { nameInAddress } from './backend_options.js';
import { backendName } from './format.js';
import { LivePanel } from './live.js';
import { dropRow, showFinished, showHead, showProgress, showRow } from './results.js';
import { runningRow } from './table.js';

/** @import { Shown } from './batch_run.js' */
/** @import { Listener } from './conductor.js' */
/** @import { LiveRun } from './live.js' */
/** @import { ShownRun } from './table.js' */
/** @import { Choice } from './types.js' */

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
   * @param {Pick<Choice, 'iterations' | 'precision'>} choice
   * @param {{heldTo?: string, onFinished?: (run: Finished) => void, earlier?: number}} [options] what the outputs are compared with; who
   *     else is told; how many runs of others come before these in a panel that is open already
   * @returns {Listener<Planned, Finished>}
   */
  listener({ iterations, precision }, { heldTo = 'PyTorch', onFinished = () => {}, earlier } = {}) {
    /** @type {Map<string, {planned: Planned, position: number}>} */
    const known = new Map();
    return {
      planned: (runs) => {
        for (const [index, { runId, planned }] of runs.entries()) known.set(runId, { planned, position: (earlier ?? 0) + index + 1 });
        if (earlier === undefined) this.panel.open(runs.length);
      },
      begun: (runId) => {
        const run = known.get(runId);
        if (run) this.begin(runId, run.planned, { position: run.position, iterations, precision, heldTo });
      },
      progressed: (runId, progress, overall) => this.panel.progress(runId, progress, overall),
      said: (text) => this.panel.say(text),
      finished: (run) => {
        onFinished(run);
        this.finish(run, known.get(run.run_id)?.planned.model.title ?? run.model);
      },
      abandoned: (runId) => this.drop(runId),
      settled: () => this.panel.drawNow(),
    };
  }

  /**
   * @param {string} runId
   * @param {Shown} shown
   * @param {Omit<LiveRun, 'name' | 'model' | 'backend'>} run
   */
  begin(runId, shown, run) {
    showRow(runningRow(runId, shown));
    const { model, option } = shown;
    const [name, backend] = [`${model.title}, ${backendName(option)}`, nameInAddress(option)];
    this.panel.begin(runId, { ...run, name, model: model.id, backend });
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
