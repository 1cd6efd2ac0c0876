/** The results of this visit, a row per run. One list of columns makes the head, the rows and their labels on a phone. */

import { sampleStrip } from './charts.js';
import { html } from './dom.js';
import { counted, milliseconds, stageName, verdict } from './format.js';
import { summarise } from './statistics.js';

/** @import { ModelEntry } from './manifest_types.js' */
/** @import { Backend, PlannedRun, Run, Summary } from './types.js' */
/** @typedef {(Node | string)[]} Content */
/** A run that is over, its model's title, and what its button does. */
/** @typedef {Omit<Run, 'weights' | 'model_sha256'> & {held_to?: string}} ShownRun held_to: what its outputs were compared with, if not PyTorch */
/** @typedef {{run: ShownRun, summary: Summary, title: string, onShow: () => void}} Finished */
/** @typedef {{field: string, title: string, numeric?: boolean, cell: (finished: Finished) => Content}} Column */

/** @type {readonly Column[]} */
const COLUMNS = [
  { field: 'model', title: 'Network', cell: ({ run, title }) => twoLines(title, run.variant) },
  { field: 'backend', title: 'Backend', cell: ({ run }) => backendLines(run) },
  { field: 'median_ms', title: 'Median ms', numeric: true, cell: ({ summary }) => [html('strong', {}, milliseconds(summary.median_ms))] },
  { field: 'mean_ms', title: 'Mean ms', numeric: true, cell: ({ summary }) => [milliseconds(summary.mean_ms)] },
  { field: 'sd_ms', title: 'SD ms', numeric: true, cell: ({ summary }) => [milliseconds(summary.sd_ms)] },
  { field: 'p95_ms', title: 'p95 ms', numeric: true, cell: ({ summary }) => [milliseconds(summary.p95_ms)] },
  { field: 'n', title: 'n', numeric: true, cell: ({ summary }) => [String(summary.n)] },
  { field: 'samples', title: 'Samples', cell: samplesButton },
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
 * The row of a run that is on.
 * @param {string} runId
 * @param {{model: {id: string, title: string}, variant: {name: string}, option: PlannedRun['option']}} planned
 * @returns {HTMLTableRowElement}
 */
export function runningRow(runId, { model, variant, option }) {
  /** @type {Record<string, Content>} */
  const known = {
    model: twoLines(model.title, variant.name),
    backend: backendLines(option),
    notes: [html('span', { class: 'quiet' }, 'running now')],
  };
  return row({ ...option, runId, model: model.id, outcome: 'running' }, ({ field }) => known[field] ?? []);
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
 * @param {{runId: string, model: ModelEntry['id'], backend: Backend, threads: number, outcome: 'ok' | 'failed' | 'running'}} data
 * @param {(column: Column) => Content} content
 */
function row({ runId, model, backend, threads, outcome }, content) {
  const attributes = { role: 'row', 'data-run-id': runId, 'data-model': model, 'data-backend': backend, 'data-threads': threads };
  const cells = COLUMNS.map((column) => {
    const { field, title, numeric } = column;
    return html('td', { 'data-field': field, 'data-title': title, class: numeric ? 'numeric' : null, role: 'cell' }, ...content(column));
  });
  return html('tr', { ...attributes, 'data-outcome': outcome }, ...cells);
}

/**
 * @param {string} first
 * @param {string} second
 */
function twoLines(first, second) {
  return [html('span', { class: 'line' }, first), html('span', { class: 'line quiet' }, second)];
}

/** @param {{backend: Backend, threads: number}} run */
function backendLines({ backend, threads }) {
  return backend === 'webgpu' ? twoLines('WebGPU', '') : twoLines('WebAssembly', counted(threads, 'thread'));
}

/** @param {Finished} finished */
function samplesButton({ run, onShow }) {
  if (run.samples.length === 0) return [];
  const button = html('button', { type: 'button', class: 'strip-button', title: 'Show these samples large' }, sampleStrip(run.samples));
  button.addEventListener('click', onShow);
  return [button];
}

/** @param {Finished} finished */
function verification({ run }) {
  const { outcome, words, tolerance } = verdict([run.verification, run.final_check], run.held_to);
  return [html('span', { class: 'line', 'data-outcome': outcome }, words), html('span', { class: 'line quiet' }, tolerance)];
}

/**
 * Why there is no timing, or what is doubtful about it.
 * @param {Finished} finished
 */
function notes({ run: { error, warnings } }) {
  if (error) return [html('p', { class: 'failure' }, `Failed at ${stageName(error.stage)}. ${error.message}`)];
  return warnings.map(({ code, message }) => html('p', { class: 'warning', 'data-code': code }, message));
}
