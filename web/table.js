/** The results of this visit, a row per run. One list of columns makes the head, the rows and their labels on a phone. */

import { modelPage } from './addresses.js';
import { sampleStrip } from './charts.js';
import { html } from './dom.js';
import { medianOf, totalOf } from './facts.js';
import { backendParts, counted, milliseconds, nodesFallenBack, stageName, verdict } from './format.js';
import { summarise } from './statistics.js';

/** @import { ModelEntry } from './manifest_types.js' */
/** @import { Backend, Run, RunWarning } from './run_types.js' */
/** @import { PlannedRun, Summary } from './types.js' */
/** @typedef {(Node | string)[]} Content */
/** A run that is over, its model's title, and what its button does. */
/** @typedef {Omit<Run, 'weights' | 'model_sha256'> & {held_to?: string}} ShownRun held_to: what its outputs were compared with, if not PyTorch */
/** @typedef {{run: ShownRun, summary: Summary, title: string, onShow: () => void}} Finished */
/** @typedef {{field: string, title: string, numeric?: boolean, cell: (finished: Finished) => Content}} Column */

/** Numbers are milliseconds, which the section's heading says. @type {readonly Column[]} */
const COLUMNS = [
  { field: 'model', title: 'Network', cell: network },
  { field: 'backend', title: 'Backend', cell: ({ run }) => [...lines(...backendParts(run)), ...whatRan(run)] },
  { field: 'download_ms', title: 'Download', numeric: true, cell: ({ run }) => lines(milliseconds(run.download_ms), run.download_cached ? 'cached' : '') },
  { field: 'runtime_ms', title: 'Runtime', numeric: true, cell: ({ run }) => [milliseconds(run.runtime_ms)] },
  { field: 'session_ms', title: 'Session', numeric: true, cell: ({ run }) => [milliseconds(run.session_ms)] },
  { field: 'first_ms', title: 'First', numeric: true, cell: ({ run }) => [milliseconds(run.first_ms)] },
  { field: 'median_ms', title: 'Median', numeric: true, cell: ({ summary }) => [html('strong', {}, milliseconds(summary.median_ms))] },
  { field: 'interval', title: '95 % interval', numeric: true, cell: ({ summary }) => interval(summary) },
  { field: 'n', title: 'n', numeric: true, cell: ({ run, summary }) => lines(String(summary.n), endedEarly(run)) },
  { field: 'end_to_end_ms', title: 'End to end', numeric: true, cell: ({ run }) => endToEnd(run) },
  { field: 'samples', title: 'Samples', cell: (finished) => [...samplesButton(finished), ...profileButton(finished)] },
  { field: 'verification', title: 'Outputs', cell: verification },
  { field: 'notes', title: 'Notes', cell: notes },
];

/**
 * The table's head.
 * @returns {HTMLTableRowElement}
 */
export function headRow() {
  const cells = COLUMNS.map(({ title, numeric }) =>
    html('th', { scope: 'col', role: 'columnheader', class: numeric ? 'numeric' : null }, title),
  );
  return html('tr', { role: 'row' }, ...cells);
}

/**
 * The row of a run that has begun.
 * @param {string} runId
 * @param {{model: {id: string, title: string}, variant: {name: string}, option: PlannedRun['option']}} planned
 * @returns {HTMLTableRowElement}
 */
export function runningRow(runId, { model, variant, option }) {
  /** @type {Record<string, Content>} */
  const known = {
    model: lines(model.title, variant.name),
    backend: lines(...backendParts(option)),
    notes: [html('span', { class: 'quiet' }, 'begins')],
  };
  return row({ ...option, runId, model: model.id, outcome: 'running', warnings: [] }, ({ field }) => known[field] ?? []);
}

/**
 * Say in a running row how far it is.
 * @param {HTMLTableRowElement} running
 * @param {{count: string, note: string, isOn: boolean}} state isOn: this run is measured now, the other running ones wait
 */
export function updateRunning(running, { count, note, isOn }) {
  running.toggleAttribute('data-on', isOn);
  setText(running.querySelector('[data-field="n"]'), count);
  setText(running.querySelector('[data-field="notes"] > span'), note);
}

/**
 * The row of a run that is over.
 * @param {ShownRun} run
 * @param {string} title of its model
 * @param {() => void} onShow called when its samples are to be shown large
 * @returns {HTMLTableRowElement}
 */
export function finishedRow(run, title, onShow) {
  const finished = { run, summary: summarise(run.samples), title, onShow };
  return row({ ...run, runId: run.run_id, outcome: run.error ? 'failed' : 'ok' }, ({ cell }) => cell(finished));
}

/**
 * @param {{runId: string, model: ModelEntry['id'], backend: Backend, threads: number, outcome: 'ok' | 'failed' | 'running', warnings: readonly
 *     RunWarning[]}} data
 * @param {(column: Column) => Content} content
 */
function row({ runId, model, backend, threads, outcome, warnings }, content) {
  const attributes = { role: 'row', 'data-run-id': runId, 'data-model': model, 'data-backend': backend, 'data-threads': threads };
  const cells = COLUMNS.map((column) => {
    const { field, title, numeric } = column;
    return html('td', { 'data-field': field, 'data-title': title, class: numeric ? 'numeric' : null, role: 'cell' }, ...content(column));
  });
  return html('tr', { ...attributes, 'data-outcome': outcome, 'data-warnings': warnings.length }, ...cells);
}

/**
 * The first line, and beneath it what is said more quietly.
 * @param {string} first
 * @param {...string} others
 */
function lines(first, ...others) {
  return [html('span', { class: 'line' }, first), ...others.filter(Boolean).map((text) => html('span', { class: 'line quiet' }, text))];
}

/**
 * The network, whose own page opens beside this one: to leave this one would end what is being timed. A file of the user's has none.
 * @param {Finished} finished
 */
function network({ run, title }) {
  const name = run.held_to ? title : html('a', { href: modelPage(run.model), target: '_blank' }, title);
  return [html('span', { class: 'line' }, name), html('span', { class: 'line quiet' }, run.variant)];
}

/**
 * Where what ran is not what was asked for.
 * @param {ShownRun} run
 */
function whatRan(run) {
  const doubt = (/** @type {string} */ text) => [html('span', { class: 'line warning' }, text)];
  if (run.backend === 'wasm') return run.threads_requested > run.threads ? doubt(`${run.threads_requested} were asked for`) : [];
  const fallen = nodesFallenBack(run);
  if (fallen === null) return [];
  return fallen > 0 ? doubt(`${counted(fallen, 'node')} in WebAssembly`) : [html('span', { class: 'line quiet' }, 'every node')];
}

/** @param {Summary} summary */
function interval({ median_low_ms: low, median_high_ms: high }) {
  return low === null || high === null ? [] : [`${milliseconds(low)} to ${milliseconds(high)}`];
}

/** @param {ShownRun} run */
function endedEarly({ stopped_by: by, samples, iterations_requested: asked }) {
  const reason = { time_budget: 'time budget', user: 'stopped' }[/** @type {string} */ (by)];
  if (!reason) return '';
  return samples.length < asked ? `of ${asked}: ${reason}` : reason;
}

/** @param {ShownRun} run */
function endToEnd(run) {
  return run.end_to_end.length === 0 ? [] : [milliseconds(medianOf(run.end_to_end.map(totalOf)))];
}

/** @param {Finished} finished */
function samplesButton({ run, onShow }) {
  if (run.samples.length === 0) return [];
  const button = html('button', { type: 'button', class: 'strip-button', title: 'Show these samples large' }, sampleStrip(run.samples));
  button.addEventListener('click', onShow);
  return [button];
}

/**
 * Where its time goes can be measured, apart from its timing, of the zoo's networks on the backends whose profiler the page reads.
 * @param {Finished} finished
 */
function profileButton({ run: { model, variant, backend, threads_requested: threads, error, held_to: heldTo }, title }) {
  if (error || heldTo !== undefined || (backend !== 'wasm' && backend !== 'webgpu')) return [];
  const data = { 'data-profile': '', 'data-model': model, 'data-variant': variant, 'data-backend': backend, 'data-threads': threads };
  const label = `Profile ${title} ${variant}: which operators take its time`;
  return [html('button', { type: 'button', class: 'plain profile-button', title: label, ...data }, 'Profile')];
}

/** @param {Finished} finished */
function verification({ run }) {
  const { outcome, words, tolerance } = verdict([run.verification, run.final_check], run.held_to);
  return [html('span', { class: 'line', 'data-outcome': outcome }, words), html('span', { class: 'line quiet' }, tolerance)];
}

/**
 * Why there is no timing, or what is doubtful about it: named in a line, told in full on demand.
 * @param {Finished} finished
 */
function notes({ run: { error, warnings, order } }) {
  if (error) return [html('p', { class: 'failure' }, `Failed at ${stageName(error.stage)}. ${error.message}`)];
  const turns = order?.mode === 'interleaved' ? [html('span', { class: 'line quiet' }, 'in turns with others')] : [];
  if (warnings.length === 0) return turns;
  const names = warnings.map(({ code }) => code.replaceAll('_', ' ')).join(', ');
  const messages = warnings.map(({ code, message }) => html('p', { class: 'warning', 'data-code': code }, message));
  return [...turns, html('details', { class: 'doubts' }, html('summary', { class: 'warning' }, `${counted(warnings.length, 'warning')}: ${names}`), ...messages)];
}

/**
 * Leaves a text alone that is right already, so that nothing is laid out anew.
 * @param {Element | null} place
 * @param {string} text
 */
function setText(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}
