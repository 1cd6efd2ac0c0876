/** This device's timings of one network, as the server has them. */

import { timingPage } from './addresses.js';
import { byId, html } from './dom.js';
import { backendName, counted, milliseconds, stageName, verdict } from './format.js';
import { fetchJson } from './http.js';
import { deviceId } from './identity.js';
import { summarise } from './statistics.js';

/** @import { ModelEntry } from './manifest_types.js' */
/** @import { Run } from './run_types.js' */

const LATEST = 100;
const COLUMNS = ['Date', 'Backend', 'Median, ms', '95 % interval, ms', 'Samples', 'Answers', 'Notes'];

/**
 * @param {ModelEntry} model
 * @returns {Promise<void>}
 * @throws {import('./errors.js').ZooError} when the server does not tell
 */
export async function showTimings(model) {
  const query = new URLSearchParams({ device_id: deviceId(), model: model.id, latest: String(LATEST) });
  const { runs } = /** @type {{runs: readonly Run[]}} */ (await fetchJson(`/api/runs?${query}`));
  const note = byId('timings-note', HTMLElement);
  if (runs.length === 0) {
    note.replaceChildren('This device has not timed it yet. ', html('a', { href: timingPage(model.id) }, 'Time it'), '.');
    return;
  }
  const which = runs.length === LATEST ? `The newest ${LATEST} runs` : counted(runs.length, 'run');
  note.replaceChildren(`${which} on this server${runs.length > 1 ? ', the newest first' : ''}. `, html('a', { href: timingPage(model.id) }, 'Time it again'), '.');
  const table = byId('timings', HTMLTableElement);
  table.tHead?.replaceChildren(html('tr', { role: 'row' }, ...COLUMNS.map((title) => html('th', { scope: 'col', role: 'columnheader' }, title))));
  const several = model.variants.length > 1;
  table.tBodies[0]?.replaceChildren(...[...runs].reverse().map((run) => row(run, several)));
  byId('timings-scroll', HTMLElement).hidden = false;
}

/**
 * @param {Run} run
 * @param {boolean} withVariant
 */
function row(run, withVariant) {
  const { n, median_ms: median, median_low_ms: low, median_high_ms: high } = summarise(run.samples);
  const interval = low === null || high === null ? '–' : `${milliseconds(low)} to ${milliseconds(high)}`;
  const date = new Date(run.started_at);
  const day = html('time', { datetime: run.started_at }, date.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' }));
  const { outcome, words } = verdict([run.verification, run.final_check]);
  const backend = backendName(run) + (withVariant ? `, ${run.variant}` : '');
  const cells = [[day], [backend], [html('strong', {}, milliseconds(median))], [interval], [String(n)], [html('span', { 'data-outcome': outcome }, words)], notes(run)];
  return html(
    'tr',
    { role: 'row', 'data-run-id': run.run_id, 'data-outcome': run.error ? 'failed' : 'ok' },
    ...cells.map((content, at) => html('td', { role: 'cell', 'data-title': COLUMNS[at] ?? '' }, ...content)),
  );
}

/** @param {Run} run */
function notes({ error, warnings }) {
  if (error) return [html('p', { class: 'failure' }, `Failed at ${stageName(error.stage)}. ${error.message}`)];
  return warnings.map(({ code, message }) => html('p', { class: 'warning', 'data-code': code }, message));
}
