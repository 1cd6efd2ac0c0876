/** The section with the results of this visit: rows that come, change and go. */

import { byId } from './dom.js';
import { finishedRow, headRow } from './table.js';

/** @import { LivePanel } from './live.js' */
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
 * A run that is over: its row takes the place of the running one, and its samples are shown large.
 * @param {ShownRun} run
 * @param {string} title of its model
 * @param {LivePanel} panel
 */
export function showFinished(run, title, panel) {
  const show = () => panel.showRun(run, title);
  rowOf(run.run_id)?.replaceWith(finishedRow(run, title, show));
  if (!run.error) show();
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
  return body().querySelector(`tr[data-run-id="${runId}"]`);
}
