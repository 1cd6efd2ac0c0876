/** The section with the results of this visit: rows that come, change and go. */

import { byId } from './dom.js';
import { finishedRow, headRow, updateRunning } from './table.js';

/** @import { SamplePlot } from './sample_plot.js' */
/** @import { ShownRun } from './table.js' */

/** The table's head, once. */
export function showHead() {
  byId('results', HTMLTableElement).tHead?.replaceChildren(headRow());
}

/** @param {HTMLTableRowElement} row */
export function showRow(row) {
  body().append(row);
  showSection();
}

/**
 * Say in a running row how far it is.
 * @param {string} runId
 * @param {{count: string, note: string, isOn: boolean}} state
 */
export function showProgress(runId, state) {
  const row = rowOf(runId);
  if (row) updateRunning(row, state);
}

/**
 * A run that is over: its row takes the place of the running one, and its button shows its samples large.
 * @param {ShownRun} run
 * @param {string} title of its model
 * @param {SamplePlot} plot
 */
export function showFinished(run, title, plot) {
  const show = () => {
    plot.showRun(run, title);
    byId('live', HTMLElement).scrollIntoView({ block: 'nearest' });
  };
  const row = finishedRow(run, title, show);
  const running = rowOf(run.run_id);
  if (running) running.replaceWith(row);
  else showRow(row);
}

/**
 * The row of a run that was stopped.
 * @param {string} runId
 */
export function dropRow(runId) {
  rowOf(runId)?.remove();
  showSection();
}

function showSection() {
  byId('results-section', HTMLElement).hidden = body().rows.length === 0;
}

function body() {
  return /** @type {HTMLTableSectionElement} */ (byId('results', HTMLTableElement).tBodies[0]);
}

/** @param {string} runId */
function rowOf(runId) {
  return /** @type {HTMLTableRowElement | null} */ (body().querySelector(`tr[data-run-id="${runId}"]`));
}
